import type { InstanceChanges, InstanceSettings } from '../../../accounts/instance-settings.ts'
import { accentsOf } from '../../accent-colours.ts'
import type { Form } from '../../forms.ts'
import { durationField, rateField } from '../kit/amount-fields.ts'
import { checkboxField, radioField } from '../kit/choice-fields.ts'
import { type Field, type ValuesOf, writeFields } from '../kit/form-fields.ts'
import type { Section } from '../kit/form-view.ts'
import { colourField, fileField, textField } from '../kit/text-fields.ts'

const HEX = /^#[0-9a-f]{6}$/i

const PAPERS = { light: ['#ffffff', '#1c2128'], dark: ['#181c22', '#e7eaef'] } as const

/** Drawn with what the colour becomes on either paper: a button, and words that lead somewhere. */
function accentField(): Field<string> {
  const field = colourField({
    label: 'Accent',
    hint: 'Buttons, links and what is chosen. Where it would be hard to read, a shade nearby is taken.',
  })
  const preview = (hex: string) => {
    const accents = accentsOf(hex)
    return (['light', 'dark'] as const).map((scheme) => {
      const [paper, text] = PAPERS[scheme]
      return { scheme, paper, text, accent: accents[scheme] }
    })
  }
  const controls = (name: string, form: Form) => {
    const value = form.get(name) ?? ''
    return { value, preview: HEX.test(value) ? preview(value) : [] }
  }
  return { ...field, kind: 'accent', controls }
}

/** The present one, to be taken away. */
function presentLogoField({ logo }: InstanceSettings): Field<boolean> {
  const field = checkboxField({ label: 'Remove the logo', hint: 'The name stands in its place.' })
  const src = logo && `/assets/${logo.etag.slice(0, 16)}/logo`
  return { ...field, kind: 'present-logo', controls: (name, form) => ({ checked: form.has(name), src }) }
}

const FIELDS = {
  name: textField({
    label: 'Name',
    hint: 'What people see on every page, and are asked to trust.',
    required: true,
    maxLength: 60,
  }),
  accent: accentField(),
  logo: fileField({
    label: 'Logo',
    hint: 'A PNG, JPEG, WebP or SVG of at most 256 KiB, best on a transparent ground, wider than high.',
    accept: 'image/png,image/jpeg,image/webp,image/svg+xml',
  }),
  redirectSchemes: textField({
    label: 'URL schemes without a dot',
    hint: 'Desktop applications that cannot use a scheme such as com.example.app. Applications that are registered keep theirs when you remove one.',
    placeholder: 'cursor vscode',
    maxLength: 2000,
  }),
  accessTokenTtl: durationField({
    label: 'An access token lives for',
    hint: 'From a minute to 30 days.',
    placeholder: 'what the API says',
  }),
  refreshTokenTtl: durationField({
    label: 'A refresh token lives for',
    hint: 'Up to 366 days, and anew each time it is used.',
    placeholder: '30 days',
    unit: 'days',
  }),
  consent: radioField({
    label: 'The page that asks people to allow or deny',
    choices: [
      { value: 'show', label: 'Is shown', hint: 'To everybody, once for each application and what it asks for.' },
      {
        value: 'skip_own_account',
        label: 'Is spared people of the same account',
        hint: 'An enterprise’s own application does not ask the enterprise’s own people.',
      },
    ],
  }),
  rateLimit: rateField({
    label: 'Token requests',
    hint: 'How often one application may ask for tokens. Only operators see and change it.',
    placeholder: 'no limit',
  }),
}

export type InstanceFields = typeof FIELDS & { removeLogo: Field<boolean> }

export function fieldsFor(settings: InstanceSettings) {
  const { name, accent, logo, redirectSchemes, ...rest } = FIELDS
  const present = settings.logo ? { removeLogo: presentLogoField(settings) } : {}
  const chosen = settings.logo ? { ...logo, label: 'Another logo' } : logo
  const fields = { name, accent, ...present, logo: chosen, redirectSchemes, ...rest } as InstanceFields
  const names = Object.keys(fields) as (keyof InstanceFields)[]
  const split = names.indexOf('logo') + 1
  const sections: readonly Section<keyof InstanceFields>[] = [
    { heading: 'What people see', fields: names.slice(0, split) },
    { heading: 'Redirect URLs', fields: ['redirectSchemes'] },
    {
      heading: 'What new applications begin with',
      lead: 'Each can be changed for one application; those that are there stay as they are.',
      fields: names.slice(split + 1),
    },
  ]
  return { fields, sections }
}

export const formOfInstance = ({ name, accent, redirectSchemes, defaults }: InstanceSettings): Form =>
  writeFields(FIELDS, { name, accent, redirectSchemes: redirectSchemes.join(' '), ...defaults })

/** A logo that was chosen takes the place of the present one, removed or not. */
export function changesOf(values: Partial<ValuesOf<InstanceFields>>): InstanceChanges {
  const { name, accent, logo, removeLogo, redirectSchemes, accessTokenTtl, refreshTokenTtl, consent, rateLimit } =
    values
  const chosen = logo ? { logo: { bytes: logo } } : removeLogo ? { logo: null } : {}
  return {
    name,
    accent,
    ...chosen,
    redirectSchemes: redirectSchemes?.split(/\s+/).filter(Boolean),
    defaults: { accessTokenTtl, refreshTokenTtl, consent, rateLimit },
  } as InstanceChanges
}
