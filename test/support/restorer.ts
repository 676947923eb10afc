/** A program for the crash test: puts a backup in place and says `done`. */
import { writeSync } from 'node:fs'
import { restoreStore } from '../../src/stores/backup.ts'

const [stateDir = '', file = ''] = process.argv.slice(2)
writeSync(1, 'begun\n')
restoreStore(stateDir, file)
writeSync(1, 'done\n')
