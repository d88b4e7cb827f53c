<h1><?= e($title) ?></h1>
<p><?= e($text) ?></p>
<p><a href="./">To the start page</a></p>
