/** The part of Node's `process` that adds and removes listeners. */
interface ListenerRegistry {
  on(event: string, listener: (...args: never[]) => unknown): unknown;
  removeListener(event: string, listener: (...args: never[]) => unknown): unknown;
}

/** Source code of the two listeners that a build of Emscripten adds to the process, one directly after the other. */
const EMSCRIPTEN_LISTENERS: readonly (readonly [event: string, code: RegExp])[] = [
  [
    'uncaughtException',
    /^(?:function\s*\((\w+)\)|\(?(\w+)\)?\s*=>)\s*\{\s*if\s*\(!\((?:\1|\2) instanceof [\w$]+\)\)\s*\{?\s*throw \w+;?\s*\}?;?\s*\}$/,
  ],
  ['unhandledRejection', /^(?:function\s*\(\w+\)|\(?\w+\)?\s*=>)\s*\{\s*throw \w+;?\s*\}$/],
];

/**
 * Starts TensorFlow.js's own wasm module and removes the listeners for uncaught exceptions and unhandled rejections that it adds to the
 * process of Node, also if the start fails. Listeners that the program adds meanwhile stay.
 */
export async function withoutEmscriptenListeners<R>(start: () => Promise<R>): Promise<R> {
  const { process } = globalThis as unknown as { process?: Partial<ListenerRegistry> };
  if (typeof process?.on !== 'function' || typeof process.removeListener !== 'function') return start();
  const registry = process as ListenerRegistry;
  const added: [event: string, listener: (...args: never[]) => unknown][] = [];
  const record = (event: string, listener: (...args: never[]) => unknown) => {
    added.push([event, listener]);
  };
  registry.on('newListener', record);
  try {
    return await start();
  } finally {
    registry.removeListener('newListener', record);
    for (let i = 0; i + 1 < added.length; i++) {
      const pair = [added[i]!, added[i + 1]!];
      if (!pair.every(([event, listener], j) => isEmscriptenListener(j, event, listener))) continue;
      for (const [event, listener] of pair) registry.removeListener(event, listener);
    }
  }
}

function isEmscriptenListener(
  index: number,
  event: string,
  listener: (...args: never[]) => unknown,
): boolean {
  const [emscriptenEvent, code] = EMSCRIPTEN_LISTENERS[index]!;
  return event === emscriptenEvent && code.test(Function.prototype.toString.call(listener));
}
