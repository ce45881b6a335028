import { render } from 'preact';
import { App } from './app.js';
import './base.css';
import './film.css';
import './progress.css';
import './start.css';
import './result.css';
import './timeline.css';
import './lanes.css';
import './editor.css';
import './candidates.css';
import './history.css';
import './tabs.css';
import './sync.css';

render(<App />, document.getElementById('app')!);
