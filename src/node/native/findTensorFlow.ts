import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createError } from '../../core/errors/errors.js';
import { runProgram } from './runProgram.js';

/** A TensorFlow that pip installed. */
export interface PipTensorFlow {
  /** The Python that has it. */
  readonly python: string;
  /** Its folder, with the libraries; headers are in `include`. */
  readonly folder: string;
  /** Whether it was built for CUDA. */
  readonly cuda: boolean;
}

/** The shared libraries of TensorFlow's C interface. */
export const LIBRARIES = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];

const INSTALL_ADVICE = [
  'Run: python3 -m venv .tensorflow && .tensorflow/bin/pip install tensorflow-cpu && ',
  'npx tfjs-multitask build-native --python .tensorflow/bin/python ',
  '(with a CUDA device: pip install "tensorflow[and-cuda]").',
].join('');

/** Before the answer: whatever starts with this Python may print too. */
const OUTPUT_PREFIX = 'tensorflow:';

/** TensorFlow itself is not imported, which would take seconds: its folder is enough. */
const FIND_SCRIPT = `
import importlib.util, json, os, runpy, sys
spec = importlib.util.find_spec('tensorflow')
folder = os.path.dirname(spec.origin) if spec and spec.origin else None
about = os.path.join(folder, 'python', 'platform', 'build_info.py') if folder else ''
cuda = os.path.exists(about) and bool(runpy.run_path(about)['build_info'].get('is_cuda_build'))
print('${OUTPUT_PREFIX}' + json.dumps({'python': sys.executable, 'folder': folder, 'cuda': cuda}))
`;

/**
 * The TensorFlow of `python`, else of the first of `python3` and `python` that has one.
 *
 * @throws `missing-package` fault when there is no Python, no TensorFlow in it, or none with C libraries and headers.
 */
export async function findTensorFlow(python?: string): Promise<PipTensorFlow> {
  const without: string[] = [];
  for (const command of python === undefined ? ['python3', 'python'] : [python]) {
    const { code, stdout, stderr } = await runProgram(command, ['-c', FIND_SCRIPT]);
    const answer = stdout.split(OUTPUT_PREFIX)[1];
    if (code !== 0 || answer === undefined) {
      const said = stderr.trim().split('\n').at(-1) || 'no output';
      without.push(code === undefined ? `no program named ${command}` : `${command}: ${said}`);
      continue;
    }
    const found = JSON.parse(answer) as PipTensorFlow & { readonly folder: string | null };
    const lacks = found.folder === null ? [] : [...LIBRARIES, 'include/tensorflow/c/eager/c_api.h'];
    const missing = lacks.find((file) => !existsSync(join(found.folder, file)));
    if (found.folder !== null && !missing) return found;
    without.push(
      found.folder === null
        ? `${found.python} without the module tensorflow`
        : `${found.folder} without ${missing}`,
    );
  }
  throw createError({
    kind: 'missing-package',
    path: python === undefined ? 'TensorFlow' : `--python ${python}`,
    expected: 'a Python interpreter with TensorFlow 2 installed by pip',
    received: without.join(', '),
    advice: INSTALL_ADVICE,
  });
}
