import { computed, grouped, HUB, published, QWEN_3_LICENCE, read, recalled } from './figures.ts'
import type { OpenModel } from './open-model.ts'

const KIMI_GUIDE = 'https://docs.unsloth.ai/basics/kimi-k2-how-to-run-locally'

/** The publishers' own cards. */
const KIMI_CARD = 'https://github.com/MoonshotAI/Kimi-K2/blob/main/README.md'
const DEEPSEEK_R1_CARD = 'https://github.com/deepseek-ai/DeepSeek-R1/blob/main/README.md'
/** Of a fine-tune; both 70B models have this shape. */
const LLAMA_70B_CONFIG = `${HUB}/casperhansen/deepseek-r1-distill-llama-70b-awq/blob/main/config.json`

/** Models over 14 billion parameters: a machine with 32 GB, a workstation, or a server. */
export const LARGE_MODELS: readonly OpenModel[] = [
  {
    name: 'qwen3-32b',
    title: 'Qwen 3 32B',
    workload: 'frontier_class',
    hardware: 'workstation_gpu',
    licence: QWEN_3_LICENCE,
    parameters: {
      value: 32_800_000_000,
      source: read(`${HUB}/ggml-org/Qwen3-32B-GGUF`, 'its 16-bit file has 65.5 GB'),
    },
    activeParameters: null,
    shape: {
      value: grouped({
        layers: 64,
        embeddingLength: 5120,
        feedForwardLength: 25_600,
        vocabularySize: 151_936,
        contextTokens: 32_768,
      }),
      source: read(
        `${HUB}/ronnywebdevs1/d-m-1/blob/main/config.json`,
        'a copy of the same shape, which says 40,960: 32,768 and room for the answer',
      ),
    },
    weights: [
      published('Q4_K_M', 19.8, read(`${HUB}/ggml-org/Qwen3-32B-GGUF`)),
      computed('Q5_K_M', 32_800_000_000),
      published('Q8_0', 34.8, read(`${HUB}/ggml-org/Qwen3-32B-GGUF`)),
    ],
    reference: 'hf:ggml-org/Qwen3-32B-GGUF',
    note: null,
  },
  {
    name: 'deepseek-r1-distill-32b',
    title: 'DeepSeek R1 Distill Qwen 32B',
    workload: 'frontier_class',
    hardware: 'workstation_gpu',
    licence: {
      value: 'MIT; made from Qwen 2.5 32B, Apache-2.0',
      source: read(DEEPSEEK_R1_CARD),
    },
    parameters: {
      value: 32_800_000_000,
      source: read(`${HUB}/gaianet/Qwen2.5-Coder-32B-Instruct-GGUF`, 'counted in a model of the same shape'),
    },
    activeParameters: null,
    shape: {
      value: grouped({
        layers: 64,
        embeddingLength: 5120,
        feedForwardLength: 27_648,
        vocabularySize: 152_064,
        contextTokens: 131_072,
      }),
      source: read(`${HUB}/XelotX/DeepSeek-R1-Distill-Qwen-32B/blob/main/config.json`, 'a copy of the original'),
    },
    weights: [
      published(
        'Q4_K_M',
        19.9,
        read(`${HUB}/unsloth/DeepSeek-R1-Distill-Qwen-32B-GGUF/tree/4ab1188f45cca28ca3b72760520f44cb21ecedfb`),
      ),
      published(
        'Q5_K_M',
        23.3,
        read(`${HUB}/unsloth/DeepSeek-R1-Distill-Qwen-32B-GGUF/tree/4ab1188f45cca28ca3b72760520f44cb21ecedfb`),
      ),
      published(
        'Q8_0',
        34.8,
        read(
          `${HUB}/lmstudio-community/DeepSeek-R1-Distill-Qwen-32B-GGUF/tree/03b74501df6f984565c8615ee3eed242ea43a4bf`,
        ),
      ),
    ],
    reference: 'hf:unsloth/DeepSeek-R1-Distill-Qwen-32B-GGUF/DeepSeek-R1-Distill-Qwen-32B-Q4_K_M.gguf',
    note: 'Thinks before it answers: plan for many more output tokens.',
  },
  {
    name: 'llama-3.3-70b',
    title: 'Llama 3.3 70B Instruct',
    workload: 'long_context',
    hardware: 'workstation_gpu',
    licence: { value: 'Llama 3.3 Community', source: read(`${HUB}/bartowski/Llama-3.3-70B-Instruct-GGUF`) },
    parameters: {
      value: 70_600_000_000,
      source: read(LLAMA_70B_CONFIG, 'counted from the shape: embedding and output 2.10, 80 layers of 0.856 billion'),
    },
    activeParameters: null,
    shape: {
      value: grouped({
        layers: 80,
        embeddingLength: 8192,
        feedForwardLength: 28_672,
        vocabularySize: 128_256,
        contextTokens: 131_072,
      }),
      source: read(LLAMA_70B_CONFIG, 'a fine-tune of the same shape'),
    },
    weights: [
      published(
        'Q4_K_M',
        42.5,
        read(`${HUB}/bartowski/Llama-3.3-70B-Instruct-GGUF/tree/d40011344cae8a77726c8dd9e0e26aa1cb4efc7f`),
      ),
      computed('Q5_K_M', 70_600_000_000),
      computed('Q8_0', 70_600_000_000),
    ],
    reference: 'hf:bartowski/Llama-3.3-70B-Instruct-GGUF/Llama-3.3-70B-Instruct-Q4_K_M.gguf',
    note: null,
  },
  {
    name: 'deepseek-r1-distill-70b',
    title: 'DeepSeek R1 Distill Llama 70B',
    workload: 'long_context',
    hardware: 'workstation_gpu',
    licence: {
      value: 'MIT; made from Llama 3.3 70B, Llama 3.3 Community',
      source: read(DEEPSEEK_R1_CARD),
    },
    parameters: {
      value: 70_600_000_000,
      source: read(LLAMA_70B_CONFIG, 'counted from the shape: embedding and output 2.10, 80 layers of 0.856 billion'),
    },
    activeParameters: null,
    shape: {
      value: grouped({
        layers: 80,
        embeddingLength: 8192,
        feedForwardLength: 28_672,
        vocabularySize: 128_256,
        contextTokens: 131_072,
      }),
      source: read(LLAMA_70B_CONFIG, 'a copy of the original'),
    },
    weights: [
      published('Q4_K_M', 42.5, read(`${HUB}/mradermacher/DeepSeek-R1-Distill-Llama-70B-GGUF/tree/main`)),
      published('Q5_K_M', 49.9, read(`${HUB}/mradermacher/DeepSeek-R1-Distill-Llama-70B-GGUF/tree/main`)),
      published(
        'Q8_0',
        75,
        read(
          `${HUB}/unsloth/DeepSeek-R1-Distill-Llama-70B-GGUF/tree/475560cd5d7127b481560c0ccb9c9f13c8ab0906/DeepSeek-R1-Distill-Llama-70B-Q8_0`,
          'in two files: 39.8 and 35.2 GB',
        ),
      ),
    ],
    reference: 'hf:mradermacher/DeepSeek-R1-Distill-Llama-70B-GGUF/DeepSeek-R1-Distill-Llama-70B.Q4_K_M.gguf',
    note: 'Thinks before it answers: plan for many more output tokens.',
  },
  {
    name: 'qwen2.5-coder-32b',
    title: 'Qwen 2.5 Coder 32B Instruct',
    workload: 'coding',
    hardware: 'workstation_gpu',
    licence: {
      value: 'Apache-2.0',
      source: read(
        `${HUB}/Qwen/Qwen2.5-Coder-32B-Instruct-GGUF/blob/918e5e6ce287b00379031583a913abc0dab5cda0/README.md`,
      ),
    },
    parameters: { value: 32_800_000_000, source: read(`${HUB}/gaianet/Qwen2.5-Coder-32B-Instruct-GGUF`) },
    activeParameters: null,
    shape: {
      value: grouped({
        layers: 64,
        embeddingLength: 5120,
        feedForwardLength: 27_648,
        vocabularySize: 152_064,
        contextTokens: 32_768,
      }),
      source: read(
        `${HUB}/Cqy2019/m1-32B-1m/blob/main/config.json`,
        'a fine-tune of Qwen 2.5 32B, same shape; 131,072 with YaRN',
      ),
    },
    weights: [
      published('Q4_K_M', 19.9, read(`${HUB}/mradermacher/Qwen2.5-Coder-32B-Instruct-GGUF/tree/main`)),
      published('Q5_K_M', 23.3, read(`${HUB}/mradermacher/Qwen2.5-Coder-32B-Instruct-GGUF/tree/main`)),
      published('Q8_0', 34.8, read(`${HUB}/mradermacher/Qwen2.5-Coder-32B-Instruct-GGUF/tree/main`)),
    ],
    reference: 'hf:mradermacher/Qwen2.5-Coder-32B-Instruct-GGUF/Qwen2.5-Coder-32B-Instruct.Q4_K_M.gguf',
    note: null,
  },
  {
    name: 'qwen3-coder-30b',
    title: 'Qwen 3 Coder 30B A3B Instruct',
    workload: 'coding',
    hardware: 'workstation_gpu',
    licence: { value: 'Apache-2.0', source: recalled(`${HUB}/Qwen/Qwen3-Coder-30B-A3B-Instruct`) },
    parameters: {
      value: 30_500_000_000,
      source: read('https://apxml.com/models/qwen3-30b-a3b', 'of Qwen 3 30B A3B, same shape'),
    },
    activeParameters: 3_300_000_000,
    shape: {
      value: {
        layers: 48,
        embeddingLength: 2048,
        feedForwardLength: 5472,
        keyValueHeads: 4,
        keyLength: 128,
        valueLength: 128,
        vocabularySize: 151_936,
        contextTokens: 262_144,
      },
      source: read(
        `${HUB}/AutoDecompiler/AutoDecompiler-30B-pscode/blob/main/config.json`,
        'a fine-tune of the same shape',
      ),
    },
    weights: [
      computed('Q4_K_M', 30_500_000_000),
      computed('Q5_K_M', 30_500_000_000),
      published(
        'Q8_0',
        32.5,
        read(`${HUB}/BasedBase/Qwen3-Coder-30B-A3B-Instruct-Distill/tree/main`, 'a fine-tune, same tensors'),
      ),
    ],
    reference: 'hf:unsloth/Qwen3-Coder-30B-A3B-Instruct-GGUF',
    note: 'A mixture of experts: all weights must fit, but a token passes through a tenth of them, so it is fast for its size.',
  },
  {
    name: 'kimi-k2',
    title: 'Kimi K2 Instruct',
    workload: 'hosted',
    hardware: 'hosted',
    licence: { value: 'Modified MIT', source: read(KIMI_CARD) },
    parameters: {
      value: 1_000_000_000_000,
      source: read(KIMI_CARD, 'one trillion, rounded; copies count 1.03'),
    },
    activeParameters: 32_000_000_000,
    shape: {
      value: {
        layers: 61,
        embeddingLength: 7168,
        feedForwardLength: 18_432,
        keyValueHeads: 1,
        keyLength: 576,
        valueLength: 0,
        vocabularySize: 163_840,
        contextTokens: 131_072,
      },
      source: recalled(
        KIMI_CARD,
        'it gives layers, embedding, context and about the vocabulary; that latent attention keeps 512 + 64 values per layer and token in place of heads is recalled, and so is the feed-forward length',
      ),
    },
    weights: [
      published('UD-TQ1_0', 245, read(KIMI_GUIDE, '1.8 bits per weight')),
      published('UD-Q2_K_XL', 381, read(KIMI_GUIDE)),
      computed('Q4_K_M', 1_000_000_000_000),
      published('Q8_0', 1090, read(KIMI_GUIDE)),
    ],
    reference: null,
    note: 'Does not fit in 19 GB, nor in any laptop: at 1.8 bits per weight it needs about 250 GB of memory, at 8 bits a server with 8 GPUs of 141 GB. Use it as a hosted model with `tier: frontier`.',
  },
]
