import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createError } from '../../core/errors/errors.js';
import { runProgram } from './runProgram.js';

/** TensorFlow installation that was created with pip. */
export interface PipTensorFlow {
  /** Path of the Python interpreter. */
  readonly python: string;
  /** Folder of the TensorFlow package, which contains the libraries. The headers are in its `include` subfolder. */
  readonly folder: string;
  /** Whether TensorFlow was built with CUDA support. */
  readonly cuda: boolean;
}

/** Shared libraries of TensorFlow with which the binding is linked. In the pip package, they contain TensorFlow's C API. */
export const LIBRARIES = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];

const INSTALL_ADVICE = [
  'Run: python3 -m venv .tensorflow && .tensorflow/bin/pip install tensorflow-cpu && ',
  'npx tfjs-multitask build-native --python .tensorflow/bin/python ',
  '(with a CUDA device: pip install "tensorflow[and-cuda]").',
].join('');

/** Prefix of the line that the script prints. It distinguishes this line from lines that other Python modules print at startup. */
const OUTPUT_PREFIX = 'tensorflow:';

/** Python script that finds TensorFlow without importing it, because the import takes seconds. */
const FIND_SCRIPT = `
import importlib.util, json, os, runpy, sys
spec = importlib.util.find_spec('tensorflow')
folder = os.path.dirname(spec.origin) if spec and spec.origin else None
about = os.path.join(folder, 'python', 'platform', 'build_info.py') if folder else ''
cuda = os.path.exists(about) and bool(runpy.run_path(about)['build_info'].get('is_cuda_build'))
print('${OUTPUT_PREFIX}' + json.dumps({'python': sys.executable, 'folder': folder, 'cuda': cuda}))
`;

/**
 * Finds the TensorFlow installation of a Python interpreter. By default, tries the interpreters `python3` and `python`.
 *
 * @throws A `missing-package` error if no Python interpreter is found, it has no TensorFlow, or its TensorFlow lacks the C libraries or
 *   headers.
 */
export async function findTensorFlow(python?: string): Promise<PipTensorFlow> {
  const problems: string[] = [];
  for (const command of python === undefined ? ['python3', 'python'] : [python]) {
    const { code, stdout, stderr } = await runProgram(command, ['-c', FIND_SCRIPT]);
    const output = stdout.split(OUTPUT_PREFIX)[1];
    if (code !== 0 || output === undefined) {
      const lastLine = stderr.trim().split('\n').at(-1) || 'no output';
      problems.push(code === undefined ? `no program named ${command}` : `${command}: ${lastLine}`);
      continue;
    }
    const found = JSON.parse(output) as PipTensorFlow & { readonly folder: string | null };
    const required = found.folder === null ? [] : [...LIBRARIES, 'include/tensorflow/c/eager/c_api.h'];
    const missing = required.find((file) => !existsSync(join(found.folder, file)));
    if (found.folder !== null && !missing) return found;
    problems.push(
      found.folder === null
        ? `${found.python} without the module tensorflow`
        : `${found.folder} without ${missing}`,
    );
  }
  throw createError({
    kind: 'missing-package',
    path: python === undefined ? 'TensorFlow' : `--python ${python}`,
    expected: 'a Python interpreter with TensorFlow 2 installed with pip',
    received: problems.join(', '),
    advice: INSTALL_ADVICE,
  });
}
