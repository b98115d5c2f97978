import { conformance } from './conformance.js';

// The reference `cpu` needs seconds per image for Model A. test/parity compares Model A on wasm with Keras.
conformance('wasm', 'cpu', ['a residual net with depthwise layers']);
