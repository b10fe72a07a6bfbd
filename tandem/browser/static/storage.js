// The models stored in this browser: what is there, what fits, how to delete it. Knows the Cache API, not the page.

// A new number leaves every model behind that an older page stored in another way.
const PREFIX = "tandem-models-";
export const CACHE = `${PREFIX}1`;

/** Deletes what other versions of the page left, and models of the server's folder that have changed since. */
export async function tidy(models) {
  if (!("caches" in self)) return;
  for (const name of await caches.keys()) if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
  const valid = new Set(models.filter(({ where }) => where === "folder").map(({ stamp }) => stamp));
  const cache = await caches.open(CACHE);
  for (const request of await cache.keys()) {
    const own = new URL(request.url).pathname.match(/^\/browser\/models\/([^/]+)\//);
    if (own && request.url.startsWith(location.origin) && !valid.has(own[1])) await cache.delete(request);
  }
}

/** Whether the weights of `model` in `precision` are here. */
export async function stored(model, precision) {
  if (!("caches" in self) || !precision) return false;
  const cache = await caches.open(CACHE);
  const wanted = `/${model.id}/`;
  const file = `/onnx/model_${precision}.onnx`;
  return (await cache.keys()).some(({ url }) => {
    const path = decodeURIComponent(new URL(url).pathname);
    return path.includes(wanted) && path.endsWith(file) && (model.where === "hub" || path.includes(`/${model.stamp}/`));
  });
}

/** { usage, quota } in bytes, or null where the browser does not tell. */
export async function estimate() {
  const said = await navigator.storage?.estimate?.().catch(() => null);
  return said?.quota ? { usage: said.usage ?? 0, quota: said.quota } : null;
}

/** Asks the browser to keep what is stored, which it may do or not. */
export const keep = () => navigator.storage?.persist?.().catch(() => false);

export async function clear() {
  if (!("caches" in self)) return;
  for (const name of await caches.keys()) if (name.startsWith(PREFIX)) await caches.delete(name);
}
