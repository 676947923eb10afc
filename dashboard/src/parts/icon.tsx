/** Line icons, drawn here so that nothing is fetched. Beside every one stands its word. */
const PATHS = {
  brand: 'M3 7h10c4 0 7 3 7 7v4M3 12h7c2 0 4 1 4 4v2M3 17h4',
  overview: 'M4 20V10M10 20V4M16 20v-7M22 20H2',
  live: 'M3 12h4l3-8 4 16 3-8h4',
  review: 'M4 12l5 5L20 6',
  tasks: 'M4 6h16M4 12h16M4 18h10',
  models: 'M12 3l9 5v8l-9 5-9-5V8zM3 8l9 5 9-5M12 13v8',
  cost: 'M12 3v18M17 7c-1-2-9-3-9 1s9 3 9 7-8 4-10 1',
  policy: 'M6 3h9l4 4v14H6zM9 12h6M9 16h6',
  back: 'M15 5l-7 7 7 7',
  stop: 'M8 3h8l5 5v8l-5 5H8l-5-5V8zM12 8v5M12 16.5v.5',
} as const

export type IconName = keyof typeof PATHS

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  )
}
