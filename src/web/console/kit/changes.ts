/** Something that can be done about what a page is about, drawn by views/console/parts/changes.eta. */
export interface Change {
  readonly title: string
  /** What it means; without an action, why it cannot be done. */
  readonly text: string
  readonly action?: {
    readonly href: string
    readonly label: string
    readonly danger?: boolean
  }
}
