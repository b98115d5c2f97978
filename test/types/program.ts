import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const FILE = `${ROOT}test/types/snippet.ts`;
const config = ts.getParsedCommandLineOfConfigFile(`${ROOT}tsconfig.json`, {}, {
  ...ts.sys,
  onUnRecoverableConfigFileDiagnostic: () => {},
} as never)!;
const host = ts.createIncrementalCompilerHost(config.options);
const parsed = new Map<string, ts.SourceFile | undefined>();

/** Creates a TypeScript program for a file in the test folder that exists only in memory. */
export function programOf(text: string): ts.Program {
  const sourceFile = ts.createSourceFile(FILE, text, ts.ScriptTarget.ES2022, true);
  return ts.createProgram([FILE], config.options, {
    ...host,
    fileExists: (name) => name === FILE || host.fileExists(name),
    readFile: (name) => (name === FILE ? text : host.readFile(name)),
    getSourceFile: (name, ...rest) => {
      if (name === FILE) return sourceFile;
      if (!parsed.has(name)) parsed.set(name, host.getSourceFile(name, ...rest));
      return parsed.get(name);
    },
  });
}

/** Returns all compiler errors for a program text. */
export function errorsOf(text: string): string[] {
  const program = programOf(text);
  const source = program.getSourceFile(FILE)!;
  return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
    ({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'),
  );
}

/** Returns the number of type instantiations for a text, minus those of an empty file with the same imports. */
export function instantiationsOf(imports: string, text: string): number {
  const count = (whole: string) => {
    const program = programOf(whole);
    program.getSemanticDiagnostics(program.getSourceFile(FILE));
    return program.getInstantiationCount();
  };
  return count(`${imports}\n${text}`) - count(`${imports}\nexport {};`);
}
