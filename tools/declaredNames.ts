import ts from 'typescript';

/** Name that is declared in a TypeScript file. */
export interface DeclaredName {
  readonly name: string;
  /** Offset of the name in the file. */
  readonly start: number;
  /** Returns the number of lines from the declaration to the last use. Infinity for a function, a type or a member. */
  readonly measureLifetime: () => number;
}

/** Returns all names that a file declares, in order: variables, parameters, functions, classes, types and their members. */
export function findDeclaredNames(source: ts.SourceFile): DeclaredName[] {
  const declarations: DeclaredName[] = [];
  const visit = (node: ts.Node): void => {
    const name = getDeclaredName(node);
    if (name) {
      declarations.push({
        name: name.text,
        start: name.getStart(source),
        measureLifetime: () => measureLifetime(node, name, source),
      });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return declarations;
}

function getDeclaredName(node: ts.Node): ts.Identifier | ts.PrivateIdentifier | undefined {
  if (!isNamed(node) || !node.name) return undefined;
  return ts.isIdentifier(node.name) || ts.isPrivateIdentifier(node.name) ? node.name : undefined;
}

const isLocal = (node: ts.Node) =>
  ts.isVariableDeclaration(node) || ts.isBindingElement(node) || ts.isParameter(node);

const isNamed = (node: ts.Node): node is ts.NamedDeclaration =>
  isLocal(node) ||
  ts.isFunctionDeclaration(node) ||
  ts.isClassDeclaration(node) ||
  ts.isInterfaceDeclaration(node) ||
  ts.isTypeAliasDeclaration(node) ||
  ts.isPropertySignature(node) ||
  ts.isPropertyDeclaration(node) ||
  ts.isMethodSignature(node) ||
  ts.isMethodDeclaration(node) ||
  ts.isGetAccessor(node);

function measureLifetime(node: ts.Node, name: ts.Node, source: ts.SourceFile): number {
  if (!isLocal(node)) return Number.POSITIVE_INFINITY;
  const lineOf = (position: number) => source.getLineAndCharacterOfPosition(position).line;
  const text = name.getText(source);
  const start = name.getStart(source);
  let last = start;
  const visit = (child: ts.Node): void => {
    if (child.getEnd() <= last) return;
    if (ts.isIdentifier(child) && child.text === text) last = Math.max(last, child.getStart(source));
    ts.forEachChild(child, visit);
  };
  visit(findScope(node));
  return lineOf(last) - lineOf(start) + 1;
}

/** Returns the node in which a local name is visible: the function of a parameter, or the block or loop of a variable. */
function findScope(node: ts.Node): ts.Node {
  const isParameter = ts.findAncestor(node, (each) =>
    ts.isBlock(each) || ts.isSourceFile(each) ? 'quit' : ts.isParameter(each),
  );
  return ts.findAncestor(node.parent, (each) =>
    isParameter
      ? ts.isFunctionLike(each)
      : ts.isBlock(each) ||
        ts.isSourceFile(each) ||
        ts.isModuleBlock(each) ||
        ts.isCaseBlock(each) ||
        ts.isIterationStatement(each, false),
  )!;
}
