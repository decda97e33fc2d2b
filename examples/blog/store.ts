/**
 * The blog's data: posts and categories in memory, and in a JSON file when one is given.
 *
 *     { "categories": [{ "id": 7, "name": "Caching" }], "posts": [{ "id": 42, "category": 7, "title": …, "body": … }] }
 *
 * A save is seen by readers once the file has it: written beside, then renamed, one save after the other.
 * @module
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { SEED } from './seed';

export interface Category {
  readonly id: number;
  readonly name: string;
}

export interface Draft {
  readonly title: string;
  readonly body: string;
  readonly category: number;
}

export interface Post extends Draft {
  readonly id: number;
}

export interface Data {
  readonly categories: readonly Category[];
  /** In the order of their ids. */
  readonly posts: readonly Post[];
}

/** The list shows them all, and CloudFront keeps 50 tags of a page: one for each post, the rest for the categories. */
export const POSTS_MAX = 40;

export interface Store {
  readonly data: Data;
  post(id: number): Post | undefined;
  category(id: number): Category | undefined;
  /**
   * Saves a post, a new one when there is no id.
   * @returns what it is now, and what it was
   */
  save(draft: Draft, id?: number): Promise<{ post: Post; before: Post | undefined }>;
}

/** @throws Error when the file holds something else */
export async function openStore(file?: string): Promise<Store> {
  let data = (file && (await read(file))) || SEED;
  let saving: Promise<unknown> = Promise.resolve();

  async function put(draft: Draft, id = nextId(data)): Promise<{ post: Post; before?: Post }> {
    const before = data.posts.find((post) => post.id === id);
    const post: Post = { id, ...draft };
    const others = data.posts.filter((other) => other !== before);
    const next = { ...data, posts: [...others, post].sort((a, b) => a.id - b.id) };
    if (file) await write(file, next);
    data = next;
    return before ? { post, before } : { post };
  }

  return {
    get data() {
      return data;
    },
    post: (id) => data.posts.find((post) => post.id === id),
    category: (id) => data.categories.find((category) => category.id === id),
    async save(draft, id) {
      const saved = saving.then(() => put(draft, id));
      saving = saved.catch(() => {}); // whoever saved is told; the next save goes on
      const { post, before } = await saved;
      return { post, before };
    },
  };
}

function nextId({ posts }: Data): number {
  return Math.max(0, ...posts.map(({ id }) => id)) + 1;
}

async function read(file: string): Promise<Data | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined; // the first save makes it
    throw error;
  }
  try {
    const data: Data = JSON.parse(text);
    if (data.posts.every(isPost) && data.categories.length > 0) return data;
  } catch {} // said below
  throw new Error(`${file} holds no blog: it takes {"categories": […], "posts": […]}`);
}

function isPost({ id, title, body, category }: Post): boolean {
  return (
    [id, category].every(Number.isInteger) && [title, body].every((t) => typeof t === 'string')
  );
}

async function write(file: string, data: Data): Promise<void> {
  await writeFile(`${file}.new`, `${JSON.stringify(data, undefined, 2)}\n`);
  await rename(`${file}.new`, file);
}
