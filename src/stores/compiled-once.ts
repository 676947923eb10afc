/** Queries that run for every record: compiled at their first use, since compiling costs more than running them. */
import type { CompiledQuery } from 'kysely'

/**
 * @param build compiles the query for the first value
 * @param parametersOf the parameters for a value, in the order in which `build` has them
 */
export function compiledOnce<Value, Row>(
  build: (value: Value) => CompiledQuery<Row>,
  parametersOf: (value: Value) => readonly unknown[],
): (value: Value) => CompiledQuery<Row> {
  let compiled: CompiledQuery<Row> | null = null
  return (value) => {
    compiled ??= build(value)
    return { ...compiled, parameters: parametersOf(value) }
  }
}
