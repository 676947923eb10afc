import { computed, grouped, HUB, LLAMA_CPP_TABLE, published, QWEN_3_LICENCE, read } from './figures.ts'
import type { OpenModel } from './open-model.ts'

/** The publisher's own card. */
const LLAMA_3_2_CARD = 'https://github.com/meta-llama/llama-models/blob/main/models/llama3_2/MODEL_CARD.md'

/** Models up to 14 billion parameters: any recent laptop. */
export const SMALL_MODELS: readonly OpenModel[] = [
  {
    name: 'qwen3-4b',
    title: 'Qwen 3 4B',
    workload: 'edge',
    hardware: 'laptop',
    licence: QWEN_3_LICENCE,
    parameters: { value: 4_000_000_000, source: read('https://fitmygpu.com/models/qwen-3-4b') },
    activeParameters: null,
    shape: {
      value: grouped({
        layers: 36,
        embeddingLength: 2560,
        feedForwardLength: 9_728,
        vocabularySize: 151_936,
        contextTokens: 32_768,
      }),
      source: read(
        'https://fitmygpu.com/models/qwen-3-4b',
        'layers, embedding, key-value heads, native context; the rest from copies of config.json in public code',
      ),
    },
    weights: [
      published('Q4_K_M', 2.5, read(`${HUB}/Daizee/Qwen3-4B-Thinking-2507-heretic-GGUF`, 'a fine-tune, same tensors')),
      computed('Q5_K_M', 4_000_000_000),
      published('Q8_0', 4.28, read(`${HUB}/Daizee/Qwen3-4B-Thinking-2507-heretic-GGUF`, 'a fine-tune, same tensors')),
    ],
    reference: null,
    note: null,
  },
  {
    name: 'llama-3.2-3b',
    title: 'Llama 3.2 3B Instruct',
    workload: 'edge',
    hardware: 'laptop',
    licence: { value: 'Llama 3.2 Community', source: read(LLAMA_3_2_CARD) },
    parameters: { value: 3_210_000_000, source: read(LLAMA_3_2_CARD) },
    activeParameters: null,
    shape: {
      value: grouped({
        layers: 28,
        embeddingLength: 3072,
        feedForwardLength: 8_192,
        vocabularySize: 128_256,
        contextTokens: 131_072,
      }),
      source: read(`${HUB}/mlx-community/Llama-3.2-3B-bf16/blob/refs%2Fpr%2F1/config.json`, 'a copy of the original'),
    },
    weights: [
      published(
        'Q4_K_M',
        2.02,
        read(`${HUB}/bartowski/Llama-3.2-3B-Instruct-GGUF/tree/cfaf35c9544c7819c89a75b3093ac122f2f8cf34`),
      ),
      published(
        'Q5_K_M',
        2.32,
        read(`${HUB}/bartowski/Llama-3.2-3B-Instruct-GGUF/tree/cfaf35c9544c7819c89a75b3093ac122f2f8cf34`),
      ),
      computed('Q8_0', 3_210_000_000),
    ],
    reference: 'hf:bartowski/Llama-3.2-3B-Instruct-GGUF/Llama-3.2-3B-Instruct-Q4_K_M.gguf',
    note: null,
  },
  {
    name: 'qwen3-8b',
    title: 'Qwen 3 8B',
    workload: 'volume',
    hardware: 'laptop',
    licence: QWEN_3_LICENCE,
    parameters: {
      value: 8_190_000_000,
      source: read(`${HUB}/xtc2023/qm_model_8b`, 'counted in a copy; the card says 8.2B'),
    },
    activeParameters: null,
    shape: {
      value: grouped({
        layers: 36,
        embeddingLength: 4096,
        feedForwardLength: 12_288,
        vocabularySize: 151_936,
        contextTokens: 32_768,
      }),
      source: read(
        `${HUB}/thejaminator/qwen-hook-layer-9/commit/478fb720f1f3ced834fce0275b55b2732d438edc`,
        'a copy of config.json, which says 40,960: 32,768 and room for the answer',
      ),
    },
    weights: [
      computed('Q4_K_M', 8_190_000_000),
      computed('Q5_K_M', 8_190_000_000),
      published('Q8_0', 8.71, read(`${HUB}/codebasic/Qwen3-8B-GGUF/tree/main`)),
    ],
    reference: 'hf:bartowski/Qwen_Qwen3-8B-GGUF/Qwen_Qwen3-8B-Q4_K_M.gguf',
    note: null,
  },
  {
    name: 'llama-3.1-8b',
    title: 'Llama 3.1 8B Instruct',
    workload: 'volume',
    hardware: 'laptop',
    licence: { value: 'Llama 3.1 Community', source: read(`${HUB}/bartowski/Meta-Llama-3.1-8B-Instruct-GGUF`) },
    parameters: { value: 8_030_000_000, source: read(LLAMA_CPP_TABLE, '14.96 GiB at 16.0005 bits per weight') },
    activeParameters: null,
    shape: {
      value: grouped({
        layers: 32,
        embeddingLength: 4096,
        feedForwardLength: 14_336,
        vocabularySize: 128_256,
        contextTokens: 131_072,
      }),
      source: read(`${HUB}/NbAiLab/nb-llama-3.1-8B/blob/main/config.json`, 'a fine-tune of the same shape'),
    },
    weights: [
      published(
        'Q4_K_M',
        4.92,
        read(`${HUB}/bartowski/Meta-Llama-3.1-8B-Instruct-GGUF/tree/d3e32b2902e8cd77959c1e5fdc4c1e43c661185b`),
      ),
      published(
        'Q5_K_M',
        5.73,
        read(`${HUB}/bartowski/Meta-Llama-3.1-8B-Instruct-GGUF/tree/d3e32b2902e8cd77959c1e5fdc4c1e43c661185b`),
      ),
      published(
        'Q8_0',
        8.54,
        read(`${HUB}/bartowski/Meta-Llama-3.1-8B-Instruct-GGUF/tree/36f4a587c7a442d602f3a40df45aba4449bb9898`),
      ),
    ],
    reference: 'hf:bartowski/Meta-Llama-3.1-8B-Instruct-GGUF/Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf',
    note: null,
  },
]
