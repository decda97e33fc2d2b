/** What the blog begins with. @module */
import type { Data } from './store';

export const SEED: Data = {
  categories: [
    { id: 7, name: 'Caching' },
    { id: 8, name: 'Databases' },
    { id: 9, name: 'Running it' },
  ],
  posts: [
    {
      id: 39,
      category: 9,
      title: 'Nobody was woken up',
      body: 'The origin was away for eleven minutes last night.\n\nThe pages were not: what was in the cache was served, a little old, until the origin came back.',
    },
    {
      id: 40,
      category: 8,
      title: 'Strong reads have a home',
      body: 'A strongly consistent read holds inside one region.\n\nAcross regions it is a promise about yesterday.',
    },
    {
      id: 41,
      category: 7,
      title: 'A lifetime is a guess',
      body: 'Five minutes, an hour, a day: whatever you choose, it is too long for the page that changed and too short for the thousand that did not.\n\nSay what a page depends on instead, and let the change itself do the purging.',
    },
    {
      id: 42,
      category: 7,
      title: 'What a page depends on',
      body: 'This page was rendered from one post and one category. It says so, in a header: post:42, category:7.\n\nEdit it, save, and look again: this page, the list and the category are fresh. The others were never touched.',
    },
    {
      id: 43,
      category: 8,
      title: 'Count the writes you do not make',
      body: 'The cheapest write is the one that would have changed nothing.\n\nRead first, in one round trip, and go home.',
    },
    {
      id: 44,
      category: 7,
      title: 'Stale, while somebody renders',
      body: 'When a page is past its lifetime, the next reader gets the old one at once.\n\nOne request goes to the origin meanwhile. One, not one for each reader.',
    },
  ],
};
