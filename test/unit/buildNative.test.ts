import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildNative } from '../../src/node/native/buildNative.js';
import { patchBackendSource } from '../../src/node/native/patchBackendSource.js';
import { faultOf } from '../bad-input/faultOf.js';

const folder = mkdtempSync(join(tmpdir(), 'build-native-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text = '', mode = 0o644): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

const manifest = (name: string, version: string) =>
  JSON.stringify({ name, version, binary: { napi_versions: [3, 8, 900] } });

/** A program that says `text` and ends with `code`. */
const program = (name: string, text: string, code = 0) =>
  write(name, `#!/bin/sh\ncat <<'END'\n${text}\nEND\nexit ${code}\n`, 0o755);

let sources: string;
let python: string;
beforeAll(() => {
  sources = join(folder, 'tfjs-node');
  write('tfjs-node/package.json', manifest('@tensorflow/tfjs-node', '4.22.0'));
  write('tfjs-node/binding/tfjs_backend.cc', 'int main;');
  write('tfjs-node/binding/tfjs_binding.cc');
  for (const file of ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2']) write(`tensorflow/${file}`);
  write('tensorflow/include/tensorflow/c/eager/c_api.h');
  const tensorflow = join(folder, 'tensorflow');
  python = program('python', `tensorflow:{"python":"python","folder":"${tensorflow}","cuda":false}`);
});

describe.skipIf(process.platform !== 'linux')('build-native says what is missing', () => {
  test('the package, or its sources', async () => {
    write('other/package.json', manifest('left-pad', '1.0.0'));
    write('bare/package.json', manifest('@tensorflow/tfjs-node', '4.22.0'));
    const other = await faultOf(() => buildNative({ package: join(folder, 'other') }));
    expect(other.received).toContain('left-pad@1.0.0');
    const bare = await faultOf(() => buildNative({ package: join(folder, 'bare') }));
    expect(bare.received).toContain('binding/tfjs_backend.cc');
    const none = await faultOf(() => buildNative({ package: join(folder, 'nowhere') }));
    expect(none).toMatchObject({ kind: 'argument', received: 'a folder without a package.json' });
    for (const { advice } of [other, bare, none]) expect(advice).toContain('npm install --ignore-scripts');
  });

  test('Python, TensorFlow in it, or its libraries', async () => {
    const bare = join(folder, 'bare-tensorflow');
    const cases = [
      [join(folder, 'no-python'), 'no program'],
      [program('fails', '', 3), 'no output'],
      [
        program('without', 'tensorflow:{"python":"p","folder":null,"cuda":false}'),
        'without the module tensorflow',
      ],
      [
        program('old', `tensorflow:{"python":"p","folder":"${bare}","cuda":false}`),
        'without libtensorflow_cc.so.2',
      ],
    ] as const;
    for (const [command, received] of cases) {
      const error = await faultOf(() => buildNative({ package: sources, python: command }));
      expect(error).toMatchObject({ kind: 'missing-package', path: `--python ${command}` });
      expect(error.received).toContain(received);
      expect(error.advice).toContain('pip install tensorflow-cpu');
    }
  });

  test('the compiler; and when it fails, its last lines, leaving nothing behind', async () => {
    const absent = await faultOf(() => buildNative({ package: sources, python, compiler: 'no-compiler' }));
    expect(absent).toMatchObject({ kind: 'missing-package', path: 'no-compiler' });
    expect(absent.advice).toContain('g++');
    const script = '#!/bin/sh\n[ "$1" = --version ] && echo fake 1.0 && exit 0\nseq 1 40 >&2\nexit 1\n';
    const compiler = write('compiler', script, 0o755);
    const error = await faultOf(() => buildNative({ package: sources, python, compiler }));
    expect(error.kind).toBe('engine');
    expect(error.received).toContain('code 1:\n26\n27\n');
    const target = join(sources, 'lib', 'napi-v8');
    expect(existsSync(target)).toBe(true);
    expect(readdirSync(target)).toEqual([]);
  });

  test('and why the package does not load', async () => {
    const script =
      '#!/bin/sh\nfor last in "$@"; do [ "$previous" = -o ] && : > "$last"; previous="$last"; done\n';
    const compiler = write('empty', script, 0o755);
    write('tfjs-node/index.js', "throw new Error('cannot open libtensorflow_cc.so.2');");
    const said: string[] = [];
    const error = await faultOf(() =>
      buildNative({ package: sources, python, compiler, log: (line) => said.push(line) }),
    );
    expect(error).toMatchObject({ kind: 'broken-package', path: '@tensorflow/tfjs-node' });
    expect(error.received).toContain('cannot open libtensorflow_cc.so.2');
    expect(said.join('\n')).toContain('without fused convolutions');
  });
});

test('lists are added in front of single values, or not at all', () => {
  const text = '      std::string str_value;\n      nstatus = GetStringParam(env, js_value, str_value);\n';
  const type =
    '      TF_DataType tf_data_type;\n      nstatus = napi_get_value_int32(\n          env, js_value, 0);\n';
  const extended = patchBackendSource(`a\n${text}b\n${type}c\n`)!;
  expect(extended.indexOf('TFE_OpSetAttrStringList')).toBeLessThan(extended.indexOf(text));
  expect(extended.indexOf('TFE_OpSetAttrTypeList')).toBeLessThan(extended.indexOf(type));
  expect(patchBackendSource(`a\n${text}b\n`)).toBeUndefined();
  expect(patchBackendSource(`${text}${text}${type}`)).toBeUndefined();
});

describe('the command line', () => {
  const cli = (...args: string[]) => {
    const file = fileURLToPath(new URL('../../src/node/cli.js', import.meta.url));
    try {
      const stdout = execFileSync(process.execPath, ['--import', 'tsx', file, ...args], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      return { code: 0, said: stdout };
    } catch (error) {
      const { status, stderr } = error as { status: number; stderr: string };
      return { code: status, said: stderr };
    }
  };

  test('lists its commands, and tells what each takes', () => {
    expect(cli()).toMatchObject({ code: 0, said: expect.stringContaining('build-native') });
    expect(cli('build-native', '--help')).toMatchObject({
      code: 0,
      said: expect.stringContaining('--python PATH'),
    });
  });

  test('ends with 2 when misused, with 1 and the message alone when a command fails', () => {
    expect(cli('build-nativ')).toMatchObject({ code: 2, said: expect.stringContaining('Did you mean') });
    expect(cli('build-native', '--pyton', 'x')).toMatchObject({
      code: 2,
      said: expect.stringContaining('usage'),
    });
    const { code, said } = cli('build-native', '--package', folder);
    expect(code).toBe(1);
    expect(said).toContain('without a package.json');
    expect(said).not.toContain('    at ');
  });
});
