import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  type AllowedUse,
  checkLanguage,
  formatFinding,
  type Rules,
  summarize,
} from '../../tools/checkLanguage.js';

const RULES: Rules = {
  phrases: [{ pattern: 'blue (moon|sun)', instead: '"rarely"' }],
  british: [{ pattern: '(wid)gett', replacement: '$1get' }],
  identifiers: ['thing'],
};

/** Checks one file, and returns the findings as `line kind phrase`. */
function check(text: string, path = 'src/a.ts', allowedUses: readonly AllowedUse[] = []): string[] {
  const { findings } = checkLanguage([{ path, text }], RULES, allowedUses);
  return findings.map(({ line, kind, phrase }) => `${line} ${kind} ${phrase}`);
}

describe('checkLanguage with a forbidden phrase', () => {
  test('finds the phrase in a line comment, in upper or lower case', () => {
    expect(check('const a = 1; // Once in a Blue Moon.\n')).toEqual(['1 comment Blue Moon']);
  });

  test('finds the phrase in a comment even if a line break splits the phrase', () => {
    expect(check('// Once in a blue\n// moon, and then\n// never.\n')).toEqual(['1 comment blue moon']);
    expect(check('/**\n * Once in a blue\n * moon.\n */\nconst a = 1;\n')).toEqual(['2 comment blue moon']);
  });

  test('finds the phrase in comments between literals, but not in the code between literals', () => {
    const text = `f('//', /\\/\\*/, \`\${/* blue moon */ 1}\`, "/*"); // blue sun\n`;
    expect(check(text)).toEqual(['1 comment blue moon', '1 comment blue sun']);
  });

  test('finds the phrase in strings and templates', () => {
    expect(check("test('trains once in a blue moon', () => {});\n")).toEqual(['1 string blue moon']);
    expect(check(`throw new Error(\`a \${1}:\n received a blue sun, \${x}\`);\n`)).toEqual([
      '2 string blue sun',
    ]);
  });

  test('finds the phrase in documents and in the comments of their code blocks', () => {
    const text = 'Once in a blue\nmoon.\n\n```ts\nconst a = 1; // a blue sun\nconst blue = sun;\n```\n';
    expect(check(text, 'docs/a.md')).toEqual(['1 document blue moon', '5 document blue sun']);
  });

  test('finds the phrase in comments and strings of shell scripts', () => {
    const text = '#!/bin/sh\n# once in a blue\n# moon\nblue moon\necho "a blue sun"\n';
    expect(check(text, 'test/a.sh')).toEqual(['2 comment blue moon', '5 string blue sun']);
  });
});

test('checkLanguage finds a British spelling in parts of words, declared names and paths', () => {
  expect(check('// subwidgetts\nconst myWidgetts = 1;\n')).toEqual([
    '1 comment subwidgetts',
    '2 identifier myWidgetts',
  ]);
  expect(check('', 'docs/widgetts.md')).toEqual(['1 path widgetts']);
});

test('checkLanguage ignores module specifiers, code spans, links, URLs and code blocks', () => {
  const text = [
    "import a from './blue moon.js';",
    "export * from './widgett.js';",
    "const b = await import('./widgett.js');",
    '// `blue moon` and https://example.org/widgett',
    'const blue = moon;',
  ];
  expect(check(text.join('\n'))).toEqual([]);
  expect(check('[a](docs/widgett.md) `widgett`\n\n```ts\nconst widgett = 1;\n```\n', 'a.md')).toEqual([]);
});

test('checkLanguage finds a forbidden name of a function, a member, or a variable that is in scope for more than three lines', () => {
  expect(check('function thing() {}\n')).toEqual(['1 identifier thing']);
  expect(check('interface A {\n  thing: number;\n}\n')).toEqual(['2 identifier thing']);
  expect(check('class A {\n  #thing = 1;\n}\n')).toEqual(['2 identifier #thing']);
  expect(check('const f = (thing: number) => {\n\n\n  return thing;\n};\n')).toEqual(['1 identifier thing']);
  expect(check('const f = (thing: number) => {\n  return thing;\n};\n')).toEqual([]);
  expect(check('{\n  const { thing } = a;\n  f(thing);\n}\n\n{ thing; }\n')).toEqual([]);
});

describe('the allow-list of checkLanguage', () => {
  const text = '// Once in a blue moon.\nconst a = 1;\n// A blue moon rises.\n';
  const entry = { phrase: 'Blue moon', files: 'src/**/*.ts', snippet: 'a blue moon', reason: 'an idiom' };

  test('permits a phrase only where the snippet of the entry occurs', () => {
    expect(check(text, 'src/b/a.ts', [entry])).toEqual(['3 comment blue moon']);
    expect(check(text, 'src/a.ts', [entry])).toEqual(['3 comment blue moon']);
  });

  test('applies only to files that match the pattern of the entry', () => {
    expect(check(text, 'src/a.mts', [entry])).toHaveLength(2);
    expect(check(text, 'src/b/a.ts', [{ ...entry, files: 'src/*.ts' }])).toHaveLength(2);
    expect(
      check('', 'docs/widgetts.md', [{ ...entry, phrase: 'widgetts', files: '**', snippet: 'widgetts.md' }]),
    ).toEqual([]);
  });

  test('reports an entry that matches nothing', () => {
    const unused = { ...entry, snippet: 'a blue sun' };
    const report = checkLanguage([{ path: 'src/a.ts', text }], RULES, [entry, unused]);
    expect(report.unusedEntries).toEqual([unused]);
  });
});

test('checkLanguage reports the file, line, phrase and replacement of a finding, and a summary by folder and by phrase', () => {
  const text = '// A blue moon\n// blue sun\n';
  const { findings } = checkLanguage([{ path: 'src/data/a.ts', text }], RULES, []);
  expect(findings.map(formatFinding)[0]).toBe('src/data/a.ts:1: "blue moon": write "rarely" instead');
  const spelling = checkLanguage([{ path: 'a.md', text: 'Subwidgetts' }], RULES, []);
  expect(spelling.findings.map(formatFinding)).toEqual(['a.md:1: "Subwidgetts": write "Subwidgets" instead']);
  expect(summarize(findings)).toBe('     2  src/data\n\n     1  blue moon\n     1  blue sun');
});

describe('the wording rules in tools/language-rules.json', () => {
  const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');
  const rules: Rules = JSON.parse(read('../../tools/language-rules.json'));
  const findIn = (text: string) => checkLanguage([{ path: 'docs/a.md', text }], rules, []).findings;

  test.each(read('fixtures/language/avoided.txt').trim().split('\n'))(
    'flag exactly one phrase in "%s"',
    (line) => {
      expect(findIn(line)).toHaveLength(1);
    },
  );

  test('flag nothing in ordinary words that resemble the phrases', () => {
    expect(findIn(read('fixtures/language/plain.txt'))).toEqual([]);
  });

  test('have an allow-list in which every entry gives a reason as a full sentence', () => {
    const entries: readonly unknown[] = JSON.parse(read('../../tools/language-allow.json'));
    expect(entries.length).toBeGreaterThan(0);
    for (const entry of entries) {
      expect(entry).toEqual({
        ...{ phrase: expect.any(String), files: expect.any(String), snippet: expect.any(String) },
        reason: expect.stringMatching(/^[A-Z]\S*(?: \S+){4,}\.$/), // At least five words.
      });
    }
  });
});
