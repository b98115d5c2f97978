/**
 * A typedoc plugin: a page for every type of ours that an exported name refers to (options, answers, events), also when the
 * type itself is not exported. A reader of `adam(options)` needs `AdamOptions` whether or not it can be imported.
 */
import { Context, Converter } from 'typedoc';

export function load(app) {
  /** Symbol to the module that referred to it first. */
  const referred = new Map();
  const create = Context.prototype.createSymbolReference;
  Context.prototype.createSymbolReference = function (symbol, context, name) {
    if (!referred.has(symbol)) referred.set(symbol, moduleOf(context.scope));
    return create.call(this, symbol, context, name);
  };

  app.converter.on(
    Converter.EVENT_RESOLVE_BEGIN,
    (context) => {
      context.setActiveProgram(context.programs[0]);
      // A page can refer to types that nothing referred to before: a Map goes on to what is added while it is read.
      for (const [symbol, module] of referred) {
        if (isOurs(symbol) && context.getReflectionFromSymbol(symbol) === undefined)
          context.converter.convertSymbol(context.withScope(module), symbol);
      }
    },
    1e9,
  );
}

function moduleOf(reflection) {
  let module = reflection;
  while (module.parent && !module.parent.isProject()) module = module.parent;
  return module;
}

function isOurs(symbol) {
  const files = (symbol.getDeclarations() ?? []).map((declaration) => declaration.getSourceFile().fileName);
  const types = 0x40 | 0x80000; // SymbolFlags.Interface, SymbolFlags.TypeAlias
  return (
    (symbol.flags & types) !== 0 && files.length > 0 && files.every((file) => !file.includes('node_modules'))
  );
}
