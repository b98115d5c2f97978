import ts from 'typescript';

/** Text of a comment, a string literal or a Markdown file, in which everything that is not prose is masked. */
export interface Prose {
  readonly kind: 'comment' | 'string' | 'document';
  /** Offset of `text` in the file. */
  readonly start: number;
  /** Masked text. It has the same length as the original, so that offsets in it correspond to offsets in the file. */
  readonly text: string;
}

/** Character that replaces code. It is neither a letter nor white space, so no phrase can match across it. */
const MASK = '\u0001';
const mask = (text: string) => text.replace(/[^\n]/g, MASK);
const blank = (text: string) => text.replace(/[^\n]/g, ' ');

/**
 * Returns the prose of a file:
 *
 * - TypeScript and JavaScript: comments and string literals, without module specifiers.
 * - Python and shell: comments and string literals.
 * - Markdown: the whole file, except that only the comments of fenced code blocks are included.
 *
 * Code spans, link targets and URLs are masked everywhere.
 */
export function extractProse(path: string, text: string, source: ts.SourceFile | undefined): Prose[] {
  if (source) return extractTypeScriptProse(text, source);
  if (path.endsWith('.md')) return [{ kind: 'document', start: 0, text: maskCode(text) }];
  return extractScriptProse(text);
}

/** Parses a TypeScript or JavaScript file. Returns undefined for a file in another language. */
export function parseTypeScript(path: string, text: string): ts.SourceFile | undefined {
  if (!/\.[cm]?[jt]s$/.test(path)) return undefined;
  const options = {
    languageVersion: ts.ScriptTarget.Latest,
    jsDocParsingMode: ts.JSDocParsingMode.ParseNone,
  };
  return ts.createSourceFile(path, text, options, true);
}

function extractTypeScriptProse(text: string, source: ts.SourceFile): Prose[] {
  const literals: ts.Node[] = [];
  const collect = (node: ts.Node): void => {
    if (ts.isLiteralExpression(node) || ts.isTemplateMiddleOrTemplateTail(node) || ts.isTemplateHead(node)) {
      literals.push(node);
    }
    ts.forEachChild(node, collect);
  };
  collect(source);
  const prose: Prose[] = [];
  let end = 0;
  for (const literal of literals) {
    const start = literal.getStart(source);
    prose.push(...extractComments(text, end, start));
    end = literal.getEnd();
    if (isProseLiteral(literal)) {
      prose.push({ kind: 'string', start, text: maskCode(maskEscapes(text.slice(start, end))) });
    }
  }
  prose.push(...extractComments(text, end, text.length));
  return prose;
}

/** Replaces escape sequences by text of the same length. */
function maskEscapes(literal: string): string {
  return literal.replaceAll('\\`', ' `').replace(/\\[nrt]/g, '  ');
}

function isProseLiteral(node: ts.Node): boolean {
  if (ts.isNumericLiteral(node) || ts.isBigIntLiteral(node) || ts.isRegularExpressionLiteral(node))
    return false;
  const { parent } = node;
  const isModuleSpecifier =
    ts.isImportDeclaration(parent) ||
    ts.isExportDeclaration(parent) ||
    ts.isExternalModuleReference(parent) ||
    (ts.isLiteralTypeNode(parent) && ts.isImportTypeNode(parent.parent)) ||
    (ts.isCallExpression(parent) && parent.expression.kind === ts.SyntaxKind.ImportKeyword);
  return !isModuleSpecifier;
}

/** Returns the comments of `text` between two offsets without string literals between them. Consecutive line comments are one comment. */
function extractComments(text: string, from: number, to: number): Prose[] {
  const pattern = /\/\*[\s\S]*?\*\/|\/\/[^\n]*(?:\n[ \t]*\/\/[^\n]*)*/g;
  return [...text.slice(from, to).matchAll(pattern)].map((match) => ({
    kind: 'comment',
    start: from + match.index,
    text: maskCode(match[0].replace(/^[ \t]*(?:\/\*\*?|\*\/|\*|\/\/+)/gm, blank).replace(/\*\/$/, blank)),
  }));
}

/** Returns the comments and string literals of a Python or shell script. */
function extractScriptProse(text: string): Prose[] {
  const pattern = /"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|#[^\n]*(?:\n[ \t]*#[^\n]*)*/g;
  return [...text.matchAll(pattern)].map(([found], i, all) => ({
    kind: found.startsWith('#') ? 'comment' : 'string',
    start: all[i]!.index,
    text: maskCode(found.replace(/^[ \t]*#+!?/gm, blank)),
  }));
}

/** Masks code spans, fenced code except its comments, link targets and URLs. */
function maskCode(text: string): string {
  return text
    .replace(/^([ \t]*)(```|~~~)[^\n]*\n([\s\S]*?)^[ \t]*\2/gm, maskFence)
    .replace(/`[^`\n]*`/g, (span) => (span.length > 2 ? mask(span) : span))
    .replace(/\]\([^)\s]*\)|\bhttps?:\/\/[^\s)>'"]+/g, mask);
}

function maskFence(fence: string): string {
  return fence.replace(/[^\n]+/g, (line) => {
    const comment = /(?:^|\s)(?:\/\/|#|\/?\*\*?)\s.*$/.exec(line);
    return comment ? mask(line.slice(0, comment.index)) + comment[0] : mask(line);
  });
}
