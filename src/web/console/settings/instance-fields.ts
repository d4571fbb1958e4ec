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
    label: 'Accent colour',
    hint: 'Used for buttons, links and selected items. A colour with low contrast is adjusted.',
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
  const field = checkboxField({ label: 'Remove the logo', hint: 'The name is shown instead.' })
  const src = logo && `/assets/${logo.etag.slice(0, 16)}/logo`
  return { ...field, kind: 'present-logo', controls: (name, form) => ({ checked: form.has(name), src }) }
}

const FIELDS = {
  name: textField({
    label: 'Name',
    hint: 'Shown on every page.',
    required: true,
    maxLength: 60,
  }),
  accent: accentField(),
  logo: fileField({
    label: 'Logo',
    hint: 'PNG, JPEG, WebP or SVG, at most 256 KiB. A wide image with a transparent background works best.',
    accept: 'image/png,image/jpeg,image/webp,image/svg+xml',
  }),
  redirectSchemes: textField({
    label: 'Custom URI schemes without a dot',
    hint: 'For desktop applications that cannot use a scheme such as com.example.app. Removing a scheme does not affect registered applications.',
    placeholder: 'cursor vscode',
    maxLength: 2000,
  }),
  accessTokenTtl: durationField({
    label: 'Access token lifetime',
    hint: 'From 1 minute to 30 days.',
    placeholder: 'from the API',
  }),
  refreshTokenTtl: durationField({
    label: 'Refresh token lifetime',
    hint: 'At most 366 days, counted from the last use.',
    placeholder: '30 days',
    unit: 'days',
  }),
  consent: radioField({
    label: 'Show allow/deny screen',
    choices: [
      { value: 'show', label: 'Show it to all users', hint: 'Once for each application and set of permissions.' },
      {
        value: 'skip_own_account',
        label: 'Skip it for users of the same account',
        hint: 'Users are not asked about applications of their own account.',
      },
    ],
  }),
  rateLimit: rateField({
    label: 'Rate limit',
    hint: 'Token requests of one application. Visible to operators only.',
    placeholder: 'no limit',
  }),
}

export type InstanceFields = typeof FIELDS & { removeLogo: Field<boolean> }

export function fieldsFor(settings: InstanceSettings) {
  const { name, accent, logo, redirectSchemes, ...rest } = FIELDS
  const present = settings.logo ? { removeLogo: presentLogoField(settings) } : {}
  const chosen = settings.logo ? { ...logo, label: 'New logo' } : logo
  const fields = { name, accent, ...present, logo: chosen, redirectSchemes, ...rest } as InstanceFields
  const names = Object.keys(fields) as (keyof InstanceFields)[]
  const split = names.indexOf('logo') + 1
  const sections: readonly Section<keyof InstanceFields>[] = [
    { heading: 'Branding', fields: names.slice(0, split) },
    { heading: 'Redirect URIs', fields: ['redirectSchemes'] },
    {
      heading: 'Defaults for new applications',
      lead: 'You can change each value per application. Existing applications do not change.',
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
