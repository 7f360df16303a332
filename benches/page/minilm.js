// What a worker answers with all-MiniLM-L6-v2 by @huggingface/transformers: sentences to embeddings, on one thread.

import { env, pipeline } from "/transformers/transformers.min.js";

export async function load() {
  env.allowRemoteModels = false;
  env.allowLocalModels = true;
  env.localModelPath = "/";
  env.useBrowserCache = false;
  const { wasm } = env.backends.onnx;
  // The build that it loads by default, from here rather than from a server of its maker's. The plain one is no faster.
  wasm.wasmPaths = {
    mjs: new URL("/ort-of-transformers/ort-wasm-simd-threaded.asyncify.mjs", location.origin).href,
    wasm: new URL("/ort-of-transformers/ort-wasm-simd-threaded.asyncify.wasm", location.origin).href,
  };
  wasm.numThreads = 1;
  wasm.proxy = false;
  const extract = await pipeline("feature-extraction", "minilm", { device: "wasm", dtype: "q8" });
  // Mean-pooled and of unit length, as the model's card says. Sentences of like lengths go together: little is padded.
  const embed = async (sentences, batch) => {
    const order = sentences.map((_, at) => at).sort((a, b) => sentences[a].length - sentences[b].length);
    let all;
    let columns;
    for (let from = 0; from < order.length; from += batch) {
      const some = order.slice(from, from + batch);
      const output = await extract(some.map((at) => sentences[at]), { pooling: "mean", normalize: true });
      columns = output.dims[1];
      all ??= new Float32Array(sentences.length * columns);
      some.forEach((at, place) => all.set(output.data.subarray(place * columns, (place + 1) * columns), at * columns));
      output.dispose?.();
    }
    return { features: all, columns };
  };
  return {
    async embedSentences({ sentences, batch }) {
      const began = performance.now();
      const embedded = await embed(sentences, batch);
      return { milliseconds: performance.now() - began, ...embedded };
    },
  };
}
