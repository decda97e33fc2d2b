/**
 * The pages: read, tagged with what was read, kept by the edge for five minutes, and for an hour more while a new one
 * is rendered.
 * @module
 */
import { Router } from 'express';
import { isr, tag } from '../../origin/express';
import type { Send } from './app';
import type { Post, Store } from './store';
import { categoryView, listView, missingView, postView } from './views';

const LIFETIME = { sMaxAge: 300, swr: 3_600 };

export function pages(store: Store, sendPage: Send): Router {
  const router = Router();
  const page = isr(LIFETIME);

  router.get('/', page, (_req, res) => {
    const { data } = store;
    res.isr.addTags('posts', ...data.posts.flatMap(tagsOf));
    return sendPage(res, listView(data));
  });

  router.get('/posts/:id', page, (req, res, next) => {
    const id = idOf(req.params.id);
    if (id === undefined) return next();
    res.isr.addTags(tag('post', id)); // also when there is none: creating it purges the 404
    const post = store.post(id);
    if (!post) return sendPage(res, missingView(`post ${id}`), 404);
    res.isr.addTags(tag('category', post.category));
    return sendPage(res, postView(post, store.category(post.category)));
  });

  router.get('/categories/:id', page, (req, res, next) => {
    const id = idOf(req.params.id);
    if (id === undefined) return next();
    res.isr.addTags(tag('category', id));
    const category = store.category(id);
    if (!category) return sendPage(res, missingView(`category ${id}`), 404);
    const posts = store.data.posts.filter((post) => post.category === id);
    res.isr.addTags(...posts.map((post) => tag('post', post.id)));
    return sendPage(res, categoryView(category, posts));
  });

  return router;
}

/** A post is shown with the name of its category. */
export function tagsOf({ id, category }: Post): string[] {
  return [tag('post', id), tag('category', category)];
}

/** Undefined when nothing could ever have it. */
export function idOf(text: string): number | undefined {
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
}
