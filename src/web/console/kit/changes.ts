/** An action on the object of the page, drawn by views/console/parts/changes.eta. */
export interface Change {
  readonly title: string
  /** Effect of the action; without an action, the reason why it is not allowed. */
  readonly text: string
  readonly action?: {
    readonly href: string
    readonly label: string
    readonly danger?: boolean
  }
}
