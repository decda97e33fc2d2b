/** The example blog behind the local edge, with the built bundles: what a test over real HTTP begins with. */
import { IsrClient } from '../../client';
import type { Job } from '../../core/jobs';
import { type Blog, startBlog } from '../../examples/blog/app';
import { type EdgeOptions, type LocalEdge, startLocalEdge } from '../../local/edge';

export interface Site {
  readonly blog: Blog;
  readonly edge: LocalEdge;
  readonly client: IsrClient;
  /** The job that such a revalidation has become, at its end. */
  revalidated(work: { tags?: string[]; urls?: string[] }): Promise<Job>;
  close(): Promise<void>;
}

export async function startSite(options: Partial<EdgeOptions> = {}): Promise<Site> {
  const blog = await startBlog({ port: 0 });
  const edge = await startLocalEdge({
    origin: blog.url,
    port: 0,
    apiPort: 0,
    graceMs: 600,
    ...options,
  });
  const client = new IsrClient({ endpoint: edge.apiUrl });
  return {
    blog,
    edge,
    client,
    async revalidated(work) {
      const { job } = await client.revalidate(work);
      return client.wait(job, { timeoutMs: 60_000 });
    },
    async close() {
      await edge.close();
      await blog.close();
    },
  };
}
