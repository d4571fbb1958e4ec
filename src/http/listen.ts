import { createServer, type Server } from 'node:net'
import { KeywrightError } from '../shared/errors.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

/** What to tell the operator whose address cannot be listened on; undefined: that is not the reason. */
function fieldErrorOf({ code }: NodeJS.ErrnoException, { host, port }: Address): string | undefined {
  if (code === 'EADDRINUSE')
    return `port ${port} of ${host} is in use; stop the program that listens there, or set PORT`
  if (code === 'EACCES') return `this user may not listen on port ${port}; allow it, or set PORT to 1024 or higher`
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'EINVAL') {
    return `HOST: ${host} is no address of this machine; use 127.0.0.1, ::1, or 0.0.0.0 for all of them`
  }
  return undefined
}

/** @throws KeywrightError `misconfigured` */
export async function listenOn(server: Server, address: Address): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(address.port, address.host, () => resolve())
    })
  } catch (error) {
    const message = fieldErrorOf(error as NodeJS.ErrnoException, address)
    throw message ? new KeywrightError('misconfigured', message, { cause: error }) : error
  }
}

/** Tries whether others may listen there; nobody is answered. @throws KeywrightError `misconfigured` */
export async function tryToListen(address: Address): Promise<void> {
  const server = createServer((socket) => socket.destroy())
  await listenOn(server, address)
  await new Promise((resolve) => server.close(resolve))
}
