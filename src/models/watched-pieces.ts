/** Pieces of an answer under the deadlines of its call. */
import type { DeadlineGuard } from './deadlines.ts'

/** Silence is measured while somebody waits for the next piece. */
export async function* watchedPieces<Piece>(
  body: AsyncIterable<Piece>,
  guard: Pick<DeadlineGuard, 'waiting' | 'progress'>,
): AsyncGenerator<Piece> {
  const pieces = body[Symbol.asyncIterator]()
  try {
    for (;;) {
      guard.waiting()
      const piece = await pieces.next()
      guard.progress()
      if (piece.done) return
      yield piece.value
    }
  } finally {
    await pieces.return?.()
  }
}
