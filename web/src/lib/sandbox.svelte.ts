/** Whether the data centre is the one in the box: then its virtual phones can be looked at. */
const known = $state<{ there: boolean }>({ there: false })
export function hasSandbox(): boolean {
  return known.there
}
