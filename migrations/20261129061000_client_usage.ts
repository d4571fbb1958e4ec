/**
 * Issued tokens and refused requests per client, and samples of refused requests.
 *
 * `client_usage_hours` has the counts of the last two to three days by the hour, `client_usage_days` those of the days
 * before. A job moves a day from one table to the other, so that the number of rows follows the number of active clients
 * and days, not of hours. A row of a day also names the client and its account, because usage outlives a replaced key pair.
 *
 * `refusal_samples` has the latest refused requests of each client and reason. The statement that adds samples deletes
 * those in excess. A client ID that does not exist has no row of its own: its requests count under `client_id` 0, and its
 * samples are limited per hour.
 *
 * No table has a foreign key to `clients`: the counts of a deleted client stay until they are old.
 */
import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    CREATE TABLE client_usage_hours (
      client_id bigint NOT NULL,
      hour      timestamptz NOT NULL,
      api_id    integer NOT NULL,
      endpoint  text NOT NULL,
      outcome   text NOT NULL,
      count     bigint NOT NULL,
      PRIMARY KEY (client_id, hour, api_id, endpoint, outcome)
    ) WITH (fillfactor = 80);
    COMMENT ON COLUMN client_usage_hours.client_id IS '0: the request names no client that exists';
    COMMENT ON COLUMN client_usage_hours.api_id IS '0: the request names no API, or none that the client may call';
    COMMENT ON COLUMN client_usage_hours.outcome IS 'issued: a token was issued; otherwise the reason of the refusal';
    CREATE INDEX client_usage_hours_by_hour ON client_usage_hours (hour);

    CREATE TABLE client_usage_days (
      client_id         bigint NOT NULL,
      day               date NOT NULL,
      api_id            integer NOT NULL,
      endpoint          text NOT NULL,
      outcome           text NOT NULL,
      count             bigint NOT NULL,
      client_identifier text,
      account_id        uuid,
      PRIMARY KEY (client_id, day, api_id, endpoint, outcome)
    );
    COMMENT ON COLUMN client_usage_days.client_identifier IS 'null: the client had been deleted';
    CREATE INDEX client_usage_days_by_day ON client_usage_days (day, client_id);
    CREATE INDEX client_usage_days_of_account ON client_usage_days (account_id, day, client_id);

    CREATE TABLE refusal_samples (
      id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      client_id  bigint NOT NULL,
      at         timestamptz NOT NULL,
      endpoint   text NOT NULL,
      reason     text NOT NULL,
      api_id     integer NOT NULL,
      claimed_id text,
      ip         text NOT NULL,
      user_agent text NOT NULL,
      request_id uuid NOT NULL
    );
    COMMENT ON COLUMN refusal_samples.client_id IS '0: the request names no client that exists';
    COMMENT ON COLUMN refusal_samples.claimed_id IS 'the client ID in the request if client_id is 0 and the ID is well-formed';
    CREATE INDEX refusal_samples_of_client ON refusal_samples (client_id, reason, at);
    CREATE INDEX refusal_samples_by_time ON refusal_samples (at, client_id);
  `)
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE refusal_samples; DROP TABLE client_usage_days; DROP TABLE client_usage_hours')
}
