/**
 * The forms: never cached; a save is stored, then announced, then led back to its form, which says what became of it.
 * @module
 */
import express, { Router } from 'express';
import { tag } from '../../origin/express';
import type { Announce } from './announce';
import type { Send } from './app';
import { idOf, tagsOf } from './pages';
import { type Draft, POSTS_MAX, type Post, type Store } from './store';
import { FIELDS, formView, missingView, type Notice } from './views';

const FORM_BYTES_MAX = 128 * 1_024;

export interface FormPorts {
  readonly announce: Announce;
  readonly sendForm: Send;
}

export function forms(store: Store, { announce, sendForm }: FormPorts): Router {
  const router = Router();
  const body = express.urlencoded({ extended: false, limit: FORM_BYTES_MAX, parameterLimit: 10 });
  const { categories } = store.data;

  router.get('/new', (_req, res) => {
    const draft = { title: '', body: '', category: 0 };
    return sendForm(res, formView({ draft }, categories));
  });

  router.post('/new', body, async (req, res) => {
    const draft = draftOf(req.body);
    const why = fullnessOf(store) ?? refusalOf(draft, store);
    if (why) return sendForm(res, formView({ draft, notice: refused(why) }, categories), 422);
    const { post } = await store.save(draft);
    const notice = await announce(['posts', ...tagsOf(post)]);
    res.set('Cache-Control', 'no-store').redirect(303, placeOf(post, notice));
  });

  router.get('/posts/:id/edit', (req, res) => {
    const post = store.post(idOf(req.params.id) ?? 0);
    if (!post) return sendForm(res, missingView('such post'), 404);
    const notice = noticeOf(new URLSearchParams(req.url.split('?')[1]));
    return sendForm(res, formView({ id: post.id, draft: post, notice }, categories));
  });

  router.post('/posts/:id/edit', body, async (req, res) => {
    const id = idOf(req.params.id);
    if (id === undefined || !store.post(id)) return sendForm(res, missingView('such post'), 404);
    const draft = draftOf(req.body);
    const why = refusalOf(draft, store);
    if (why) return sendForm(res, formView({ id, draft, notice: refused(why) }, categories), 422);
    const { post, before } = await store.save(draft, id);
    const notice = await announce(changedTags(post, before));
    res.set('Cache-Control', 'no-store').redirect(303, placeOf(post, notice));
  });

  return router;
}

/** Whatever shows the post has its tag; where it moved, something is gone and something was not there. */
function changedTags(post: Post, before: Post | undefined): string[] {
  const hasMoved = before && before.category !== post.category;
  const categories = hasMoved ? [before.category, post.category] : [];
  return [tag('post', post.id), ...categories.map((category) => tag('category', category))];
}

/** As the form sent it, or as anybody else did. */
function draftOf(form: unknown): Draft {
  const { title, body, category } = Object(form) as Record<string, unknown>;
  const text = (value: unknown) => (typeof value === 'string' ? value.trim() : '');
  return {
    title: text(title),
    body: text(body).replaceAll('\r\n', '\n'),
    category: Number(category),
  };
}

function refusalOf({ title, body, category }: Draft, store: Store): string | undefined {
  if (title === '') return 'a post has a title';
  if (title.length > FIELDS.titleMax) return `a title has at most ${FIELDS.titleMax} characters`;
  if (body === '') return 'a post has a text';
  if (body.length > FIELDS.bodyMax) return `a text has at most ${FIELDS.bodyMax} characters`;
  if (!store.category(category)) return 'there is no such category';
  return undefined;
}

function fullnessOf({ data }: Store): string | undefined {
  return data.posts.length < POSTS_MAX
    ? undefined
    : `this blog holds ${POSTS_MAX} posts, and it is full`;
}

function refused(why: string): Notice {
  return { kind: 'refused', why };
}

/** The form's address with the notice in it, so that it outlives the redirect. */
function placeOf({ id }: Post, notice: Notice): string {
  const form = `/posts/${id}/edit`;
  if (notice.kind === 'told') return `${form}?job=${encodeURIComponent(notice.job)}`;
  if (notice.kind === 'untold') return `${form}?problem=${encodeURIComponent(notice.problem)}`;
  return `${form}?saved`;
}

function noticeOf(query: URLSearchParams): Notice | undefined {
  const [job, problem] = [query.get('job'), query.get('problem')];
  if (job && /^[\w-]{1,64}$/.test(job)) return { kind: 'told', job };
  if (problem && /^[a-z-]{1,64}$/.test(problem)) return { kind: 'untold', problem };
  return query.has('saved') ? { kind: 'alone' } : undefined;
}
