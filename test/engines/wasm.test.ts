import { conformance } from './conformance.js';

// `cpu` takes seconds for an image of Model A, which test/parity holds to Keras on wasm.
conformance('wasm', 'cpu', ['a residual net with depthwise layers']);
