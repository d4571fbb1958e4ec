import { ACCOUNT_ATTRIBUTES } from '../accounts/account-attributes.ts'
import {
  type Account,
  addAccount,
  checkAccountValues,
  findAccountByExternalId,
  type NewAccount,
} from '../accounts/accounts.ts'
import { PERMISSIONS } from '../accounts/permissions.ts'
import { differingValues } from '../shared/attribute-values.ts'
import { changeAccountValues } from './account-changes.ts'
import { createOrUpdate, type Upserted } from './create-or-update.ts'
import { operation } from './operation.ts'

/** What is left out stays, or gets its initial value in a new account. */
type AccountUpsert = NewAccount & { readonly externalId: string }

/** Creates the account with this external ID, or updates it. @throws KeywrightError `invalid_input`, `conflict` (it is being deleted) */
export const upsertAccount = operation<AccountUpsert, Upserted<Account>>(
  PERMISSIONS.manageAccounts,
  async ({ knex }, { actor }, values) => {
    checkAccountValues(values)
    return await createOrUpdate({
      find: () => findAccountByExternalId(knex, values.externalId),
      create: () => addAccount(knex, values, actor),
      async update(known) {
        const differing = differingValues(ACCOUNT_ATTRIBUTES, known, values)
        if (Object.keys(differing).length === 0 && known.status !== 'deleting') return known
        return await changeAccountValues(knex, known.id, values, actor)
      },
    })
  },
)
