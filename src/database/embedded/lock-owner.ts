import { KeywrightError } from '../../shared/errors.ts'
import type { ClusterLocation } from './data-location.ts'
import { mayRunOn } from './postgres-processes.ts'
import { isLeftEmpty, type PostmasterFile, readPostmasterFile, removeStalePostmasterFile } from './postmaster-file.ts'
import { isAlive, isPidTaken, type LiveProcess, lookAtProcess } from './processes.ts'
import { type Owner, ownerOfSocketDir } from './runs.ts'

/** Who holds a cluster at this moment. */
export type Holder =
  | { readonly state: 'nobody' }
  | { readonly state: 'unclear' }
  | {
      readonly state: 'owned'
      readonly owner: Owner
      readonly socketDir: string
      readonly port: number
      readonly ready: boolean
    }
  | { readonly state: 'orphaned'; readonly postmaster: LiveProcess }

const NOBODY: Holder = { state: 'nobody' }
const UNCLEAR: Holder = { state: 'unclear' }

/** PostgreSQL's own lock file removes one whose pid is free; a pid that was handed out again only we can tell. */
function judgeStale({ cluster }: ClusterLocation, file: PostmasterFile): Holder {
  if (isPidTaken(file.pid)) removeStalePostmasterFile(cluster, file)
  return NOBODY
}

function judgeUnfilled({ cluster }: ClusterLocation, file: PostmasterFile): Holder {
  if (!isLeftEmpty(cluster)) return UNCLEAR
  removeStalePostmasterFile(cluster, file)
  return NOBODY
}

function judgeOwner(place: ClusterLocation, file: PostmasterFile, socketDir: string, postmaster: LiveProcess): Holder {
  const owner = ownerOfSocketDir(place, socketDir)
  // A clean stop removes the owner's record just after PostgreSQL's end; nobody else would have started it like this.
  if (!owner) return readPostmasterFile(place.cluster)?.text === file.text ? foreign(place, postmaster) : UNCLEAR
  if (!isAlive(owner)) return { state: 'orphaned', postmaster }
  return { state: 'owned', owner, socketDir, port: file.port, ready: file.ready }
}

function foreign({ cluster }: ClusterLocation, { pid }: LiveProcess): never {
  throw new KeywrightError(
    'misconfigured',
    `PostgreSQL (pid ${pid}), which Keywright did not start, runs on ${cluster}: stop it, or use another DATA_DIR`,
  )
}

export function holderOf(place: ClusterLocation): Holder {
  const file = readPostmasterFile(place.cluster)
  if (!file) return NOBODY
  if (!file.pid) return judgeUnfilled(place, file)
  const postmaster = lookAtProcess(file.pid)
  if (!postmaster || !mayRunOn(place.cluster, postmaster)) return judgeStale(place, file)
  if (!file.socketDir) return UNCLEAR
  return judgeOwner(place, file, file.socketDir, postmaster)
}
