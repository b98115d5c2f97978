import type { ThreadStarter } from './kernels/threadPool.js';

/** Threads of the page. Their script is no file but a `blob:` address, as that of TensorFlow.js's own workers. */
export const pageThreadStarter: ThreadStarter = (script, posted, gone) => {
  const listen = '\nonmessage = ({ data }) => serve(data, () => postMessage("ready"));';
  const url = URL.createObjectURL(new Blob([script, listen], { type: 'text/javascript' }));
  const worker = new Worker(url);
  worker.onmessage = () => {
    URL.revokeObjectURL(url);
    posted();
  };
  worker.onerror = (event) => {
    event.preventDefault(); // nothing is lost: the loops then run on the page's own thread
    gone();
  };
  return { postMessage: (message) => worker.postMessage(message), terminate: () => worker.terminate() };
};
