import type { ThreadStarter } from '../kernels/simd/threadPool.js';
import { ISOLATED_WORKER_OPTIONS, type NodeModules } from './nodeModules.js';

/** Creates a function that starts threads in Node. Once started, a thread does not keep the process alive. */
export function createNodeThreadStarter({ workerThreads: { Worker } }: NodeModules): ThreadStarter {
  return (script, onMessage, onExit) => {
    const listener = `
const { parentPort } = require('node:worker_threads');
parentPort.once('message', (message) => serve(message, () => parentPort.postMessage('ready')));`;
    const thread = new Worker(script + listener, ISOLATED_WORKER_OPTIONS);
    thread.on('message', () => {
      thread.unref(); // Before this message, the thread must keep the process alive, because the pool waits for it.
      onMessage();
    });
    thread.on('error', onExit);
    thread.on('exit', onExit);
    return {
      postMessage: (message) => thread.postMessage(message),
      terminate: () => void thread.terminate(),
    };
  };
}
