import type { ThreadStarter } from '../kernels/simd/threadPool.js';

/** Starts web workers as threads in a page. As in TensorFlow.js, their script is loaded from a `blob:` URL. */
export const pageThreadStarter: ThreadStarter = (script, onMessage, onExit) => {
  const listener = '\nonmessage = ({ data }) => serve(data, () => postMessage("ready"));';
  const url = URL.createObjectURL(new Blob([script, listener], { type: 'text/javascript' }));
  const worker = new Worker(url);
  worker.onmessage = () => {
    URL.revokeObjectURL(url);
    onMessage();
  };
  worker.onerror = (event) => {
    event.preventDefault(); // The page does not need to report the error: the SIMD kernels run on its main thread instead.
    onExit();
  };
  return { postMessage: (message) => worker.postMessage(message), terminate: () => worker.terminate() };
};
