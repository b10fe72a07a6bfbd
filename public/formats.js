// How numbers, sizes, times and counts are written in a person's language: for the page's own scripts, and for the
// elements that Chainlit runs, which can import nothing. Knows the words for units. Does not know what is counted.

// The words with what stands between braces filled in.
export const filled = (text, values) => text.replace(/\{(\w+)\}/g, (whole, key) => (key in values ? values[key] : whole))

// `texts` gives the words of the moment: {locale, units: {percent, second, minute, hour}}.
export const formats = (texts) => {
  const digits = (value, n) => value.toLocaleString(texts().locale, { minimumFractionDigits: n, maximumFractionDigits: n })
  const unit = (name, value, n) => filled(texts().units[name], { n: digits(value, n) })
  return {
    filled,
    digits,
    percent: (value) => unit("percent", value, 0),
    seconds: (value, n) => unit("second", value, n),
    size: (mb) => (mb >= 1024 ? `${digits(mb / 1024, 1)} GB` : `${digits(mb, 0)} MB`),
    counted: (forms, n) => filled(n === 1 ? forms.one : forms.many, { n: digits(n, 0) }),
    day: (moment) => new Date(moment).toLocaleDateString(texts().locale, { dateStyle: "medium" }),
    duration: (seconds) => {
      if (seconds < 90) return unit("second", seconds, 0)
      return seconds < 5400 ? unit("minute", seconds / 60, 0) : unit("hour", seconds / 3600, 1)
    }
  }
}

window.tandemFormats = formats
