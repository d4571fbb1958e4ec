import { DatabaseUnavailableError } from './unavailable.ts'

/** The history that a server writes: its cluster, and the WAL timeline there, which each promotion raises. */
export interface Timeline {
  readonly cluster: string
  readonly number: number
}

/** In each transaction that reads `TIMELINE`, before it. Neither a standby nor Amazon Aurora has one to set. */
export const SET_TIMELINE = `
  DO $$ BEGIN
    IF NOT pg_is_in_recovery() THEN
      PERFORM set_config('keywright.timeline',
        (SELECT system_identifier FROM pg_control_system()) || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8), true);
    END IF;
  EXCEPTION WHEN insufficient_privilege OR feature_not_supported THEN NULL;
  END $$;`

/** An SQL expression. It works in an empty database too, which has no `database_timeline()` yet. */
export const TIMELINE = `current_setting('keywright.timeline', true)`

/** Undefined where the server has none. */
export function parseTimeline(text: string | null): Timeline | undefined {
  const [cluster, number] = (text ?? '').split('/')
  return cluster && number ? { cluster, number: Number.parseInt(number, 16) } : undefined
}

/** Knows the latest timeline of the connections of one pool, and so which of them lead to a former primary. */
export interface LatestTimeline {
  /** Takes the timeline of a new connection. @throws DatabaseUnavailableError after a later one of the same cluster */
  accept(timeline: Timeline | undefined): void
  /** False after a later timeline of the same cluster, or another cluster. */
  isLatest(timeline: Timeline | undefined): boolean
}

export function createLatestTimeline(): LatestTimeline {
  let latest: Timeline | undefined
  return {
    accept(timeline) {
      if (!timeline) return
      if (timeline.cluster === latest?.cluster && timeline.number < latest.number) {
        throw new DatabaseUnavailableError(
          `it is a former primary (timeline ${timeline.number}, after ${latest.number}); if this older state is to be used, restart Keywright`,
        )
      }
      latest = timeline
    },
    isLatest: (timeline) =>
      !timeline || !latest || (timeline.cluster === latest.cluster && timeline.number >= latest.number),
  }
}
