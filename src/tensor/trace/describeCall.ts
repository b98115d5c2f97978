import type { KernelCall } from './tracer.js';

/** Describes a traced kernel call for error messages, for example `operation Conv2D of layer trunk_conv1`. */
export const describeCall = ({ kernel, scope }: KernelCall): string =>
  `operation ${kernel}${scope ? ` of ${scope}` : ''}`;
