import type { Command } from 'commander'

/** A command as `keywright --help` lists it. Its modules load when it is called: the modules of the server take a second. */
export interface TopLevelCommand {
  readonly name: string
  readonly description: string
  /** Adds its options, subcommands and action. `all`: every top-level command, for the command that documents them. */
  define(command: Command, all: readonly TopLevelCommand[]): Promise<void>
}
