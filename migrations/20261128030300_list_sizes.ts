/**
 * Status lists of up to 1,048,576 indexes, where tokens are many and live long: with 65,536 a resource server would have to
 * hold thousands of lists of one API.
 *
 * Lists that know their size give out their indexes in another order than those before (docs/adr/0015-status-lists.md), so
 * servers of both versions never use the same list: one with a size is open while `closed_at` is infinity. Servers of the
 * version before look for null, and open lists of their own until they are replaced.
 *
 * `status_list_copies` holds the signed form of lists, so that one node signs for all. It may be lost: then each node signs.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE status_lists ADD COLUMN size integer,
      ADD CONSTRAINT status_lists_size CHECK (size IN (65536, 262144, 1048576));
    COMMENT ON COLUMN status_lists.size IS 'null: 65,536, from before this column';
    COMMENT ON COLUMN status_lists.closed_at IS 'infinity: open; null: opened by a server from before sizes';
    CREATE UNIQUE INDEX status_lists_one_open_with_size ON status_lists (api_id) WHERE closed_at = 'infinity';
    CREATE INDEX status_lists_by_api ON status_lists (api_id, id);

    CREATE UNLOGGED TABLE status_list_copies (
      list_id  bigint PRIMARY KEY
        CONSTRAINT status_list_copies_list REFERENCES status_lists (id) ON DELETE CASCADE,
      jwt      text NOT NULL,
      at       double precision NOT NULL,
      snapshot text NOT NULL,
      timeline text NOT NULL
    );
    COMMENT ON COLUMN status_list_copies.at IS
      'milliseconds since 1970; what the snapshot of that moment sees is in the list';
  `)
}

/**
 * Tokens with an index beyond 65,535 are refused by resource servers afterwards: servers of the version before serve the
 * beginning of a longer list.
 */
export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    DROP TABLE status_list_copies;
    UPDATE status_lists SET closed_at = now() WHERE closed_at = 'infinity';
    DROP INDEX status_lists_by_api; DROP INDEX status_lists_one_open_with_size;
    ALTER TABLE status_lists DROP COLUMN size;
    COMMENT ON COLUMN status_lists.closed_at IS NULL;
  `)
}
