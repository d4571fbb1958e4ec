import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { type FieldError, isStale } from '../../../shared/errors.ts'
import type { Form } from '../../forms.ts'
import type { ConsolePage } from './console-page.ts'
import type { ConsoleCall } from './console-route.ts'
import { type Fields, revisionOf, type Submission, submit, type ValuesOf, writeFields } from './form-fields.ts'
import { compareVersions, formView, type Section } from './form-view.ts'

/** How an object with a revision is edited. */
export interface Editing<F extends Fields, Thing extends { readonly revision: number }> {
  /** @param thing whose form is drawn; undefined: the form is read */
  fieldsOf(t: ConsoleTranslate, thing?: Thing): F
  /** Absent: one, with all fields. */
  sectionsOf?(t: ConsoleTranslate): readonly Section<Extract<keyof F, string>>[]
  read(call: ConsoleCall): Promise<Thing>
  /** As the form shows them. */
  valuesOf(thing: Thing): ValuesOf<F>
  /** Whether the user may edit the object; false: they see its page in place of the form. Absent: everybody who sees it may. */
  isOpen?(thing: Thing, call: ConsoleCall): boolean
  /** Validates the readable values without changes. Absent for a form with one field. */
  check?(call: ConsoleCall, values: Partial<ValuesOf<F>>): Promise<unknown>
  /** @param revision the revision that the user saw */
  save(call: ConsoleCall, values: ValuesOf<F>, revision: number): Promise<unknown>
  frameOf(thing: Thing, t: ConsoleTranslate): Pick<ConsolePage, 'title' | 'lead' | 'breadcrumbs'>
  /** Path of the detail page, the target of *Cancel* and of a saved change. */
  pathOf(thing: Thing): string
}

interface Typed {
  readonly form: Form
  readonly revision: number
  readonly fieldErrors?: readonly FieldError[]
  /** The object was changed by another user: both versions are shown. */
  readonly isStale?: boolean
}

function editPage<F extends Fields, Thing extends { readonly revision: number }>(
  t: ConsoleTranslate,
  { fieldsOf, sectionsOf, valuesOf, frameOf, pathOf }: Editing<F, Thing>,
  thing: Thing,
  { form, revision, fieldErrors = [], isStale = false }: Typed,
): ConsolePage {
  const fields = fieldsOf(t, thing)
  const present = pathOf(thing)
  const action = `${present}/edit`
  const sections = sectionsOf?.(t)
  const frame = { fieldErrors, revision, action, submit: t('Save'), cancel: present }
  const view = formView({ fields, ...(sections && { sections }), typed: form, ...frame })
  const versions = isStale ? compareVersions(t, fields, form, writeFields(fields, valuesOf(thing))) : undefined
  const status = isStale ? 412 : fieldErrors.length > 0 ? 400 : undefined
  return { view: 'console/edit', ...frameOf(thing, t), status, data: { form: view, versions, present: action } }
}

async function saved<Done>(save: () => Promise<Done>): Promise<Done | 'stale'> {
  try {
    return await save()
  } catch (error) {
    if (isStale(error)) return 'stale'
    throw error
  }
}

const submissionOf = <F extends Fields, Thing extends { readonly revision: number }>(
  { check, save }: Editing<F, Thing>,
  call: ConsoleCall,
  revision: number,
): Submission<F, Partial<ValuesOf<F>>, unknown> => ({
  prepare: (values) => values,
  check: async (values) => await check?.(call, values),
  execute: (values) => save(call, values as ValuesOf<F>, revision),
})

/** The GET and POST steps of an edit form. */
export function editSteps<F extends Fields, Thing extends { readonly revision: number }>(editing: Editing<F, Thing>) {
  const { fieldsOf, read, valuesOf, pathOf, isOpen } = editing
  return {
    async show(call: ConsoleCall): Promise<void> {
      const thing = await read(call)
      if (isOpen?.(thing, call) === false) return call.goTo(pathOf(thing))
      const form = writeFields(fieldsOf(call.t), valuesOf(thing))
      call.show(editPage(call.t, editing, thing, { form, revision: thing.revision }))
    },
    async save(call: ConsoleCall): Promise<void> {
      const { form } = call
      const revision = revisionOf(form)
      const outcome = await saved(() => submit(fieldsOf(call.t), call, submissionOf(editing, call, revision)))
      const thing = await read(call)
      if (outcome === 'stale') {
        return call.show(editPage(call.t, editing, thing, { form, revision: thing.revision, isStale: true }))
      }
      // Keeps the revision that the user saw, so that a later save still detects other changes.
      if (outcome.fieldErrors)
        return call.show(editPage(call.t, editing, thing, { form, revision, fieldErrors: outcome.fieldErrors }))
      call.goTo(`${pathOf(thing)}?notice=changed`)
    },
  }
}
