/**
 * The blog's pages as HTML. Each shows when it was rendered, and which of this origin's renders it was: the same number
 * twice is one page, from a cache.
 * @module
 */
import { type Html, html } from './html';
import type { Category, Data, Draft, Post } from './store';

export interface View {
  readonly title: string;
  readonly content: Html;
}

export interface Stamp {
  readonly renderedAt: Date;
  readonly render: number;
}

/** What became of a save. */
export type Notice =
  | { readonly kind: 'told'; readonly job: string }
  | { readonly kind: 'untold'; readonly problem: string }
  | { readonly kind: 'alone' }
  | { readonly kind: 'refused'; readonly why: string };

export const FIELDS = { titleMax: 200, bodyMax: 20_000 };

export function listView({ posts, categories }: Data): View {
  return {
    title: 'A small blog',
    content: html`<h1>A small blog</h1>
      ${listOf(posts, categories)}
      <p><a href="/new">Write a post</a></p>`,
  };
}

export function categoryView(category: Category, posts: readonly Post[]): View {
  return {
    title: category.name,
    content: html`<h1>${category.name}</h1>
      ${posts.length > 0 ? listOf(posts, [category]) : html`<p>Nothing here yet.</p>`}`,
  };
}

function listOf(posts: readonly Post[], categories: readonly Category[]): Html {
  const nameOf = (id: number) => categories.find((category) => category.id === id)?.name;
  const items = posts
    .toReversed()
    .map(
      ({ id, title, category }) =>
        html`<li><a href="/posts/${id}">${title}</a> <small><a href="/categories/${category}">${nameOf(category)}</a></small></li>`,
    );
  return html`<ul class="posts">${items}</ul>`;
}

export function postView({ id, title, body }: Post, category: Category | undefined): View {
  const paragraphs = body.split(/\n\s*\n/).map((paragraph) => html`<p>${paragraph}</p>`);
  const link = category && html`<a href="/categories/${category.id}">${category.name}</a> · `;
  return {
    title,
    content: html`<article><h1>${title}</h1>
      ${paragraphs}</article>
      <p><small>${link}<a href="/posts/${id}/edit">Edit</a></small></p>`,
  };
}

export function missingView(what: string): View {
  return { title: 'Not found', content: html`<h1>Not found</h1><p>There is no ${what}.</p>` };
}

export function failedView(what: string): View {
  return { title: 'Sorry', content: html`<h1>Sorry</h1><p>${what}</p>` };
}

export interface Form {
  /** Of the post that is edited; undefined when it is new. */
  readonly id?: number;
  readonly draft: Draft;
  readonly notice?: Notice | undefined;
}

export function formView({ id, draft, notice }: Form, categories: readonly Category[]): View {
  const options = categories.map((category) =>
    category.id === draft.category
      ? html`<option value="${category.id}" selected>${category.name}</option>`
      : html`<option value="${category.id}">${category.name}</option>`,
  );
  const title = id === undefined ? 'Write a post' : 'Edit';
  return {
    title,
    content: html`<h1>${title}</h1>
      ${notice && noticeOf(notice)}
      <form method="post" action="${id === undefined ? '/new' : `/posts/${id}/edit`}">
        <label>Title <input name="title" required maxlength="${FIELDS.titleMax}" value="${draft.title}"></label>
        <label>Category <select name="category">${options}</select></label>
        <label>Text <textarea name="body" rows="12" required maxlength="${FIELDS.bodyMax}">
${draft.body}</textarea></label>
        <button>Save</button>
        ${id === undefined ? undefined : html`<a href="/posts/${id}">See the post</a>`}
      </form>`,
  };
}

function noticeOf(notice: Notice): Html {
  switch (notice.kind) {
    case 'told':
      return html`<p role="status" class="good">Saved. The pages that show it are being renewed (job ${notice.job}).</p>`;
    case 'untold':
      return html`<p role="alert" class="bad">Saved, but the edge could not be told (${notice.problem}): readers may see the old text until its lifetime ends. Save again to try again.</p>`;
    case 'alone':
      return html`<p role="status" class="good">Saved. No edge is configured, so there was nobody to tell.</p>`;
    case 'refused':
      return html`<p role="alert" class="bad">Not saved: ${notice.why}.</p>`;
  }
}

export function layout({ title, content }: View, { renderedAt, render }: Stamp): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>
  :root { color-scheme: light dark; font: 1.05rem/1.6 system-ui, sans-serif }
  body { max-width: 42rem; margin: 0 auto; padding: 1rem 1.25rem }
  h1 { line-height: 1.2 } small, footer { opacity: .75 }
  nav { padding-bottom: .5rem; border-bottom: 1px solid color-mix(in srgb, currentColor 25%, transparent) }
  footer { margin-top: 3rem; font-size: .85rem }
  .posts { padding: 0; list-style: none } .posts li { margin: .5rem 0 }
  label { display: block; margin: 1rem 0 } input, select, textarea { display: block; width: 100%; box-sizing: border-box; font: inherit; padding: .4rem }
  button { font: inherit; padding: .4rem 1.2rem }
  .good, .bad { padding: .6rem .9rem; border-left: .25rem solid #2a7 } .bad { border-color: #c33 }
</style>
</head>
<body>
<nav><a href="/">A small blog</a></nav>
<main>
${content}
</main>
<footer>Rendered <time datetime="${renderedAt.toISOString()}">${renderedAt.toISOString()}</time>, render <span id="render">${render}</span> of this origin.</footer>
</body>
</html>
`.text;
}
