import type { AuditRecord } from './audit-query.ts'

/** An entry as it is exported, with the wire's names. */
export const auditFields = (record: AuditRecord) => ({
  id: record.id,
  seq: record.seq,
  at: record.place,
  action: record.action,
  actor: record.actor,
  account_id: record.accountId,
  account_name: record.accountName,
  target: record.target,
  ip: record.ip,
  request_id: record.requestId,
  detail: record.detail,
  erased: record.isErased,
})

/** An entry as a JSON object in one line. */
export const auditLine = (record: AuditRecord): string => JSON.stringify(auditFields(record))
