import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildNative } from '../../src/node/native/buildNative.js';
import { patchBackendSource } from '../../src/node/native/patchBackendSource.js';
import { catchError } from '../bad-input/catchError.js';

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

/** Writes a program that prints `text` and exits with `code`. */
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

describe.skipIf(process.platform !== 'linux')('buildNative', () => {
  test('reports a missing package and a package without its source files', async () => {
    write('other/package.json', manifest('left-pad', '1.0.0'));
    write('bare/package.json', manifest('@tensorflow/tfjs-node', '4.22.0'));
    const other = await catchError(() => buildNative({ package: join(folder, 'other') }));
    expect(other.received).toContain('left-pad@1.0.0');
    const bare = await catchError(() => buildNative({ package: join(folder, 'bare') }));
    expect(bare.received).toContain('binding/tfjs_backend.cc');
    const none = await catchError(() => buildNative({ package: join(folder, 'nowhere') }));
    expect(none).toMatchObject({ kind: 'argument', received: 'a folder without a package.json' });
    for (const { advice } of [other, bare, none]) expect(advice).toContain('npm install --ignore-scripts');
  });

  test('reports a missing Python interpreter, Python without TensorFlow, and TensorFlow without its libraries', async () => {
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
      const error = await catchError(() => buildNative({ package: sources, python: command }));
      expect(error).toMatchObject({ kind: 'missing-package', path: `--python ${command}` });
      expect(error.received).toContain(received);
      expect(error.advice).toContain('pip install tensorflow-cpu');
    }
  });

  test('reports a missing compiler and the last lines of a failed compilation, and leaves no files behind', async () => {
    const absent = await catchError(() => buildNative({ package: sources, python, compiler: 'no-compiler' }));
    expect(absent).toMatchObject({ kind: 'missing-package', path: 'no-compiler' });
    expect(absent.advice).toContain('g++');
    const script = '#!/bin/sh\n[ "$1" = --version ] && echo fake 1.0 && exit 0\nseq 1 40 >&2\nexit 1\n';
    const compiler = write('compiler', script, 0o755);
    const error = await catchError(() => buildNative({ package: sources, python, compiler }));
    expect(error.kind).toBe('engine');
    expect(error.received).toContain('code 1:\n26\n27\n');
    const target = join(sources, 'lib', 'napi-v8');
    expect(existsSync(target)).toBe(true);
    expect(readdirSync(target)).toEqual([]);
  });

  test('reports the reason why the compiled package cannot be loaded', async () => {
    const script =
      '#!/bin/sh\nfor last in "$@"; do [ "$previous" = -o ] && : > "$last"; previous="$last"; done\n';
    const compiler = write('empty', script, 0o755);
    write('tfjs-node/index.js', "throw new Error('cannot open libtensorflow_cc.so.2');");
    const lines: string[] = [];
    const error = await catchError(() =>
      buildNative({ package: sources, python, compiler, log: (line) => lines.push(line) }),
    );
    expect(error).toMatchObject({ kind: 'broken-package', path: '@tensorflow/tfjs-node' });
    expect(error.received).toContain('cannot open libtensorflow_cc.so.2');
    expect(lines.join('\n')).toContain('without fused convolutions');
  });
});

test('patchBackendSource inserts the C++ code for list attributes before the code for single values, or returns undefined for unexpected source code', () => {
  const text = '      std::string str_value;\n      nstatus = GetStringParam(env, js_value, str_value);\n';
  const type =
    '      TF_DataType tf_data_type;\n      nstatus = napi_get_value_int32(\n          env, js_value, 0);\n';
  const patched = patchBackendSource(`a\n${text}b\n${type}c\n`)!;
  expect(patched.indexOf('TFE_OpSetAttrStringList')).toBeLessThan(patched.indexOf(text));
  expect(patched.indexOf('TFE_OpSetAttrTypeList')).toBeLessThan(patched.indexOf(type));
  expect(patchBackendSource(`a\n${text}b\n`)).toBeUndefined();
  expect(patchBackendSource(`${text}${text}${type}`)).toBeUndefined();
});

describe('the tfjs-multitask command', () => {
  const runCli = (...args: string[]) => {
    const file = fileURLToPath(new URL('../../src/node/cli.js', import.meta.url));
    try {
      const stdout = execFileSync(process.execPath, ['--import', 'tsx', file, ...args], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      return { code: 0, output: stdout };
    } catch (error) {
      const { status, stderr } = error as { status: number; stderr: string };
      return { code: status, output: stderr };
    }
  };

  test('lists its subcommands, and prints the options of a subcommand and the version', () => {
    expect(runCli()).toMatchObject({ code: 0, output: expect.stringContaining('build-native') });
    expect(runCli('build-native', '--help')).toMatchObject({
      code: 0,
      output: expect.stringContaining('--python PATH'),
    });
    expect(runCli('--version').output).toMatch(/^\d+\.\d+\.\d+/);
  });

  test('exits with code 2 for invalid arguments, and with code 1 and only the error message if a subcommand fails', () => {
    expect(runCli('build-nativ')).toMatchObject({ code: 2, output: expect.stringContaining('Did you mean') });
    expect(runCli('build-native', '--pyton', 'x')).toMatchObject({
      code: 2,
      output: expect.stringContaining('usage'),
    });
    const { code, output } = runCli('build-native', '--package', folder);
    expect(code).toBe(1);
    expect(output).toContain('without a package.json');
    expect(output).not.toContain('    at ');
  });

  test.each(['build-native', 'report', 'results', 'search', 'trial', 'worker'])(
    'prints help for the subcommand %s in lines of at most 80 columns',
    (name) => {
      const { code, output } = runCli(name, '--help');
      expect(code).toBe(0);
      expect(Math.max(...output.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    },
  );
});
