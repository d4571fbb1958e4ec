export type Environment = Record<string, string | undefined>

/** Only what is named here and what a process needs: nothing of the tests' own environment leaks into it. */
export const cleanEnvironment = (env: Environment): Environment => ({
  PATH: process.env.PATH,
  HOME: process.env.HOME,
  // No load balancer has to hear of the end first.
  SHUTDOWN_DELAY: '0',
  ...env,
})
