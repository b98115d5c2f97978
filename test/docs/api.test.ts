import { fileURLToPath } from 'node:url';
import {
  Application,
  type DeclarationReflection,
  type ProjectReflection,
  ReflectionKind,
  TSConfigReader,
  TypeDocReader,
} from 'typedoc';
import { beforeAll, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CATEGORIES = [
  'Compose',
  'Data',
  'Augment',
  'Train',
  'Losses and metrics',
  'Optimizers',
  'Callbacks',
  'Figures',
  'Tuner',
  'Engines',
  'Files',
  'Errors',
];

const said: string[] = [];
let project: ProjectReflection;
let pages: DeclarationReflection[];

beforeAll(async () => {
  const app = await Application.bootstrapWithPlugins({ options: ROOT }, [
    new TypeDocReader(),
    new TSConfigReader(),
  ]);
  app.logger.log = (message, level) => void (level >= 2 && said.push(message)); // LogLevel.Warn and above
  project = (await app.convert())!;
  if (!project) throw new Error(said.join('\n'));
  app.validate(project);
  pages = (project.children ?? [])
    .flatMap((module) => module.children ?? [])
    .filter((page) => !page.isReference());
});

const commentsOf = (page: DeclarationReflection) =>
  page.kindOf(ReflectionKind.Function) && page.signatures
    ? page.signatures.map(({ comment }) => comment)
    : [page.comment];
const tagOf = (page: DeclarationReflection, tag: `@${string}`) =>
  commentsOf(page).flatMap((comment) => comment?.getTags(tag) ?? []);

test('the API documentation has no undocumented exports and no broken links', () => {
  expect(said).toEqual([]);
  expect(pages.length).toBeGreaterThan(120);
});

test('the API documentation lists every page under a user-facing category', () => {
  const lost = pages
    .map((page) => ({ page, words: tagOf(page, '@category').map(({ content }) => content[0]?.text ?? '') }))
    .filter(({ words }) => words.length === 0 || !words.every((word) => CATEGORIES.includes(word)))
    .map(({ page, words }) => `${page.getFullName()}: ${words.join()}`);
  expect(lost).toEqual([]);
});

test('the API documentation has an example for every exported function', () => {
  const without = pages
    .filter(
      (page) =>
        page.kindOf([ReflectionKind.Function, ReflectionKind.Variable]) &&
        tagOf(page, '@example').length === 0,
    )
    .map((page) => page.getFullName());
  expect(without).toEqual([]);
});
