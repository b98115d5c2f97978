import * as checks from '../core/errors/checks.js';
import { createError } from '../core/errors/errors.js';
import { describeType, formatValue } from '../core/errors/formatValue.js';
import { didYouMean } from '../core/errors/suggestions.js';
import type { Loss } from './loss.js';

/** Functions that create losses, keyed by the name of the loss in Keras. */
export type LossTable = { readonly [name: string]: () => Loss };

/**
 * Returns the loss for the `loss` option of a task, which is a loss or the name of a loss in `table`.
 *
 * @throws An `argument` error for an unknown name, or a value that is not a loss.
 */
export function resolveLoss(path: string, loss: unknown, table: LossTable): Loss {
  if (typeof loss === 'string' && Object.hasOwn(table, loss)) return table[loss]!();
  if (typeof (loss as Partial<Loss> | null)?.perExample === 'function') return loss as Loss;
  const names = Object.keys(table);
  throw createError({
    kind: 'argument',
    path,
    expected: `a loss object, or the name ${checks.formatOptions(names)}`,
    received: typeof loss === 'string' ? formatValue(loss) : describeType(loss),
    advice:
      typeof loss === 'function'
        ? 'Call the function: meanSquaredError(), not meanSquaredError.'
        : (didYouMean(String(loss), names) ?? 'To use your own formula, pass customLoss(name, perExample).'),
  });
}
