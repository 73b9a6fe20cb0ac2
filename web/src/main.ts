import { mount } from 'svelte'
import './app.css'
import App from './App.svelte'
import { speakAsBefore } from './lib/i18n.svelte'
import { whoAmI } from './lib/me.svelte'
import { startRouting } from './lib/router.svelte'
import { applyTheme } from './lib/theme.svelte'
import { failed } from './lib/toasts.svelte'

applyTheme()
startRouting()
void Promise.all([speakAsBefore(), whoAmI().catch(failed)]).finally(() => mount(App, { target: document.getElementById('app')! }))
