/** For `--import`: the optional packages cannot be found, as on a machine where nobody installed them. */
import { registerHooks } from 'node:module'

registerHooks({
  resolve(specifier, context, next) {
    if (!['pg', 'ioredis', 'compromise'].includes(specifier)) return next(specifier, context)
    throw Object.assign(new Error(`Cannot find package '${specifier}'`), { code: 'ERR_MODULE_NOT_FOUND' })
  },
})
