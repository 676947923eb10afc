/** Optional parts that this repository does not install. */
declare module '@ai-sdk/cohere'
declare module '@ai-sdk/google-vertex'
