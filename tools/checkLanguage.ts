/**
 * Checks comments, strings and documents for phrases and spellings that this project avoids.
 *
 * npm run lint:language                             (all files; exits with 1 if a phrase is found) npm run lint:language -- src/data docs
 * (some folders or files) npm run lint:language -- --identifiers            (also the names of variables, functions and members) npm run
 * lint:language -- --summary                (counts per folder and phrase)
 *
 * The phrases are in language-rules.json. Legitimate uses of a phrase are listed in language-allow.json.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { findDeclaredNames } from './declaredNames.js';
import { extractProse, parseTypeScript } from './extractProse.js';

/** Phrase to avoid. */
export interface PhraseRule {
  /** Regular expression of whole words, case-insensitive. A space matches any white space. */
  readonly pattern: string;
  /** What to write instead, used in the message. */
  readonly instead: string;
}

/** British spelling to avoid. */
export interface SpellingRule {
  /** Regular expression for a part of a word, case-insensitive. */
  readonly pattern: string;
  /** The US spelling of that part. `$1` is the first group of the pattern. */
  readonly replacement: string;
}

export interface Rules {
  readonly phrases: readonly PhraseRule[];
  /** British spellings, which are also searched for in declared names and file names. */
  readonly british: readonly SpellingRule[];
  /** Names that must not be used for declarations with a lifetime of more than {@link MAX_LIFETIME} lines. */
  readonly identifiers: readonly string[];
}

/** Legitimate use of a phrase. An entry without a match is an error. */
export interface AllowedUse {
  /** The phrase as it occurs in the text. Case is ignored. */
  readonly phrase: string;
  /** Path from the root of the repository. `*` matches within a folder name, `**` across folders. */
  readonly files: string;
  /** Exact text that contains the phrase. */
  readonly snippet: string;
  readonly reason: string;
}

export interface TextFile {
  readonly path: string;
  readonly text: string;
}

export interface Finding {
  readonly path: string;
  /** Counts from 1. */
  readonly line: number;
  readonly phrase: string;
  readonly instead: string;
  readonly kind: 'comment' | 'string' | 'document' | 'path' | 'identifier';
}

export interface LanguageReport {
  readonly findings: readonly Finding[];
  /** Entries of the allow-list that matched nothing. */
  readonly unusedEntries: readonly AllowedUse[];
}

/** Largest lifetime of a vague name in lines. In such a short span, its meaning is clear. */
const MAX_LIFETIME = 3;
const IDENTIFIER_ADVICE = 'a noun for the value';

/** Searches the files for the phrases, spellings and names of `rules`. */
export function checkLanguage(
  files: readonly TextFile[],
  rules: Rules,
  allowedUses: readonly AllowedUse[],
): LanguageReport {
  const findPhrases = createPhraseSearch(rules.phrases);
  const findBritish = createSpellingSearch(rules.british);
  const identifiers = new Set(rules.identifiers);
  const usedEntries = new Set<AllowedUse>();
  const findings: Finding[] = [];

  for (const { path, text } of files) {
    const entries = allowedUses.filter((entry) => matchesGlob(path, entry.files));
    const lineStarts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
    const report = (kind: Finding['kind'], start: number, phrase: string, instead: string) => {
      const entry = entries.find((each) => allows(each, kind === 'path' ? path : text, start, phrase));
      if (entry) usedEntries.add(entry);
      else {
        const line = kind === 'path' ? 1 : lineStarts.findLastIndex((lineStart) => lineStart <= start) + 1;
        findings.push({ path, line, phrase: phrase.replace(/\s+/g, ' '), instead, kind });
      }
    };

    for (const { start, phrase, instead } of findBritish(path)) report('path', start, phrase, instead);
    const source = parseTypeScript(path, text);
    for (const prose of extractProse(path, text, source)) {
      for (const { start, phrase, instead } of [...findPhrases(prose.text), ...findBritish(prose.text)]) {
        report(prose.kind, prose.start + start, phrase, instead);
      }
    }
    if (!source) continue;
    for (const { name, start, measureLifetime } of findDeclaredNames(source)) {
      if (identifiers.has(name.replace(/^#/, '')) && measureLifetime() > MAX_LIFETIME) {
        report('identifier', start, name, IDENTIFIER_ADVICE);
      }
      for (const { phrase, instead } of findBritish(name)) report('identifier', start, phrase, instead);
    }
  }
  return { findings, unusedEntries: allowedUses.filter((entry) => !usedEntries.has(entry)) };
}

interface Match {
  readonly start: number;
  readonly phrase: string;
  readonly instead: string;
}

type Search = (text: string) => Match[];

function createPhraseSearch(rules: readonly PhraseRule[]): Search {
  const patterns = rules.map(({ pattern }) => pattern.replaceAll(' ', '\\s+'));
  const search = combinePatterns(patterns, '\\b', '\\b');
  return (text) =>
    [...text.matchAll(search)].map((match) => {
      const { instead } = findRule(match, rules);
      return { start: match.index, phrase: match[0], instead };
    });
}

/** Creates a search for parts of words that returns the whole words. */
function createSpellingSearch(rules: readonly SpellingRule[]): Search {
  const search = combinePatterns(
    rules.map(({ pattern }) => pattern),
    '',
    '\\w*',
  );
  return (text) =>
    [...text.matchAll(search)].map((match) => {
      const { pattern, replacement } = findRule(match, rules);
      const start =
        match.index - /\w*$/.exec(text.slice(Math.max(0, match.index - 40), match.index))![0].length;
      const phrase = text.slice(start, match.index + match[0].length);
      return { start, phrase, instead: `"${phrase.replace(new RegExp(pattern, 'gi'), replacement)}"` };
    });
}

/** Combines all patterns into one regular expression with a named group per pattern. Groups within the patterns become non-capturing. */
function combinePatterns(patterns: readonly string[], before: string, after: string): RegExp {
  const groups = patterns.map((pattern, i) => `(?<rule${i}>${pattern.replace(/(?<!\\)\((?!\?)/g, '(?:')})`);
  return new RegExp(`${before}(?:${groups.join('|')})${after}`, 'gi');
}

function findRule<T>({ groups }: RegExpExecArray, rules: readonly T[]): T {
  return rules.find((_, i) => groups![`rule${i}`] !== undefined)!;
}

/** Returns whether the snippet of an entry covers the phrase at the offset `start`. */
function allows(entry: AllowedUse, text: string, start: number, phrase: string): boolean {
  if (entry.phrase.toLowerCase() !== phrase.replace(/\s+/g, ' ').toLowerCase()) return false;
  const end = start + phrase.length;
  const earliest = Math.max(end - entry.snippet.length, 0);
  const found = text.slice(earliest, start + entry.snippet.length).indexOf(entry.snippet);
  return found >= 0 && earliest + found <= start && earliest + found + entry.snippet.length >= end;
}

function matchesGlob(path: string, glob: string): boolean {
  const wildcards: { readonly [part: string]: string } = { '**/': '(?:.*/)?', '**': '.*', '*': '[^/]*' };
  const source = glob
    .split(/(\*\*\/|\*\*|\*)/)
    .map((part) => wildcards[part] ?? part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${source.join('')}$`).test(path);
}

export const formatFinding = ({ path, line, phrase, instead }: Finding): string =>
  `${path}:${line}: "${phrase}": write ${instead} instead`;

/** Returns the number of findings per folder and per phrase as a table, sorted by number. */
export function summarize(findings: readonly Finding[]): string {
  const countBy = (key: (finding: Finding) => string) => {
    const counts = new Map<string, number>();
    for (const finding of findings) counts.set(key(finding), (counts.get(key(finding)) ?? 0) + 1);
    return [...counts]
      .sort(([a, countA], [b, countB]) => countB - countA || a.localeCompare(b))
      .map(([label, count]) => `${String(count).padStart(6)}  ${label}`);
  };
  const folderOf = ({ path }: Finding) => path.split('/').slice(0, -1).slice(0, 2).join('/') || '.';
  return [...countBy(folderOf), '', ...countBy(({ phrase }) => phrase.toLowerCase())].join('\n');
}

const ROOT = new URL('../', import.meta.url);

const CHECKED_FILES = /\.([cm]?[jt]s|md|py|sh)$/;
/** Files that are not checked: third-party texts, test data and generated files. */
const EXCLUDED_FILES = /(^|\/)(fixtures|golden)\/|\/(simdModule|workerScript)\.ts$/;

/** Reads all files of the repository that are checked, including uncommitted files. */
function readRepository(): TextFile[] {
  const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: fileURLToPath(ROOT),
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  return list
    .split('\0')
    .filter(
      (path) => CHECKED_FILES.test(path) && !EXCLUDED_FILES.test(path) && existsSync(new URL(path, ROOT)),
    )
    .map((path) => ({ path, text: readFileSync(new URL(path, ROOT), 'utf8') }));
}

function readJson<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));
}

function main(): void {
  const { values: args, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      identifiers: { type: 'boolean', default: false },
      summary: { type: 'boolean', default: false },
    },
  });
  const isSelected = (path: string) =>
    positionals.length === 0 ||
    positionals.some((each) => path === each || path.startsWith(`${each.replace(/\/$/, '')}/`));
  const report = checkLanguage(
    readRepository(),
    readJson<Rules>('language-rules.json'),
    readJson<AllowedUse[]>('language-allow.json'),
  );
  const findings = report.findings.filter(
    ({ path, kind }) => isSelected(path) && (args.identifiers || kind !== 'identifier'),
  );
  console.log(args.summary ? summarize(findings) : findings.map(formatFinding).join('\n'));
  for (const { phrase, files, snippet } of report.unusedEntries) {
    console.log(
      `tools/language-allow.json: expected "${phrase}" in "${snippet}" of ${files}, received a file without that text. Remove the entry.`,
    );
  }
  console.log(`${findings.length} findings, ${report.unusedEntries.length} unused entries of the allow-list`);
  if (findings.length + report.unusedEntries.length > 0) process.exitCode = 1;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) main();
