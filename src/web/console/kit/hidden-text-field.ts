import type { Field } from './form-fields.ts'
import { areaField } from './text-fields.ts'

/**
 * A text that is never shown again: neither drawn nor kept by the browser. The operation checks its length.
 * @param empty the error where nothing was typed
 */
export function hiddenTextField(
  look: Pick<Parameters<typeof areaField>[0], 'label' | 'hint' | 'rows'>,
  empty: string,
): Field<string> {
  const area = areaField({ ...look, mono: true, autocomplete: 'off' })
  return {
    ...area,
    read(name, { form }) {
      const text = form.get(name) ?? ''
      return text.trim() === '' ? { fieldError: empty } : { value: text }
    },
    controls: (name) => area.controls(name, new Map()),
    words: () => '',
  }
}
